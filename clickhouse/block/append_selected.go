package block

// AppendSelected appends the rows of src that are chosen, in their order. The
// blocks must have the same columns, or the error is ErrLayout; src must not be
// b.
func (b *Block) AppendSelected(src *Block, chosen func(row int) bool) error {
	if src == b || !b.layout.same(src.layout) {
		return ErrLayout
	}
	for from := 0; from < src.rows; from++ {
		if !chosen(from) {
			continue
		}
		to := from + 1
		for to < src.rows && chosen(to) {
			to++
		}
		if err := b.AppendRows(src, from, to); err != nil {
			return err
		}
		from = to // which is not chosen, or behind the last one
	}
	return nil
}
