package block

// AppendNotJSON appends to rows those whose text in the i-th column a field of type json
// would not take: text that is not JSON, and null. Of columns that hold no text it
// appends none, nor of those of type json, which have been checked.
func (b *Block) AppendNotJSON(rows []int, i int) []int {
	if !holdsText(b.columns[i]) {
		return rows
	}
	s := newScanner(b.layout.depth)
	for row := range b.rows {
		if !isJSON(s, b.columns[i], row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// holdsText reports whether a column is one of text, or of lists of it, and not of JSON.
func holdsText(c column) bool {
	switch c := c.(type) {
	case *stringColumn, *lowCardinalityColumn:
		return true
	case *nullableColumn:
		return holdsText(c.elem)
	case *arrayColumn:
		return holdsText(c.elem)
	}
	return false
}

// isJSON reports whether all text in a row of the column is JSON.
func isJSON(s *scanner, c column, row int) bool {
	switch c := c.(type) {
	case *stringColumn:
		return s.isValue(c.at(row))
	case *lowCardinalityColumn:
		return c.keys[row] == nullKey || s.isValue(c.dict.at(int(c.keys[row]-1)))
	case *nullableColumn:
		return c.nulls[row] == 1 || isJSON(s, c.elem, row)
	case *arrayColumn:
		for at := range c.end(row+1) - c.end(row) {
			if !isJSON(s, c.elem, c.end(row)+at) {
				return false
			}
		}
	}
	return true
}

// isValue reports whether text is one JSON value that is not null.
func (s *scanner) isValue(text []byte) bool {
	s.reset(text)
	if s.next() == 'n' || s.skip() != nil {
		return false
	}
	s.space()
	return s.pos == len(text)
}
