package ddl

import (
	"maps"
	"slices"
	"strings"
)

// canonicalExpr returns the form of an expression in which it is compared. Text
// that cannot be taken apart is its own form.
func canonicalExpr(s string) string {
	tokens, err := tokenize(s)
	if err != nil {
		return s
	}
	return canonicalTokens(tokens)
}

func canonicalTokens(tokens []token) string { return joinTokens(bare(tokens)) }

// bare takes away the parentheses, or the tuple(), around a whole expression
// when they hold a single part. An empty tuple becomes nothing. A tuple of
// several parts gets parentheses.
func bare(tokens []token) []token {
	for len(tokens) > 1 {
		open := 0
		if tokens[0].isWord("tuple") {
			open = 1
		}
		if !tokens[open].is("(") || closing(tokens[open:]) != len(tokens)-1-open {
			return tokens
		}
		inner := tokens[open+1 : len(tokens)-1]
		if len(splitTop(inner)) > 1 {
			return tokens[open:]
		}
		tokens = inner
	}
	return tokens
}

// canonicalKey returns the expressions of a key in canonical form. A key that
// is one tuple is taken apart.
func canonicalKey(key []string) []string {
	var out []string
	for _, k := range key {
		if text := canonicalExpr(k); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// splitKey takes apart a key as the server prints it: "a, toDate(b)".
func splitKey(s string) []string {
	tokens, err := tokenize(s)
	if err != nil {
		return []string{s}
	}
	tokens = bare(tokens)
	if len(tokens) > 0 && tokens[0].is("(") && closing(tokens) == len(tokens)-1 {
		tokens = tokens[1 : len(tokens)-1]
	}
	var out []string
	for _, part := range splitTop(tokens) {
		out = append(out, canonicalTokens(part))
	}
	return out
}

// Canonical returns a copy of t in the form in which tables are compared, with
// nothing in common with t in memory. A table read back from the server has the
// same canonical form as the Table that it was created from, if both are as the
// server prints them; see [Table.Printed].
func (t Table) Canonical() Table {
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Type = canonicalType(c.Type)
		c.Default = canonicalExpr(c.Default)
		c.written, c.chosen.codec, c.chosen.def = false, false, false
		c.Codec = canonicalCodec(c.Codec, c.Type)
		c.TTL = canonicalExpr(c.TTL)
	}
	if e, err := parseEngine(t.Engine); err == nil {
		t.Engine = e.String()
	}
	t.OrderBy = canonicalKey(t.OrderBy)
	t.PrimaryKey = canonicalKey(t.PrimaryKey)
	if slices.Equal(t.PrimaryKey, t.OrderBy) {
		t.PrimaryKey = nil
	}
	t.PartitionBy = canonicalExpr(t.PartitionBy)
	t.TTL = canonicalTTL(t.TTL)
	t.Settings = maps.Clone(t.Settings)
	for name, value := range t.Settings {
		t.Settings[name] = canonicalSetting(value)
	}
	if t.Settings[granularitySetting] == defaultGranularity {
		delete(t.Settings, granularitySetting)
	}
	if len(t.Settings) == 0 {
		t.Settings = nil
	}
	t.Indexes = slices.Clone(t.Indexes)
	for i := range t.Indexes {
		x := &t.Indexes[i]
		x.Expr = strings.Join(splitKey(x.Expr), ", ")
		x.Type = canonicalType(x.Type)
		x.Granularity = canonicalGranularity(*x)
	}
	t.Projections = slices.Clone(t.Projections)
	for i := range t.Projections {
		p := &t.Projections[i]
		p.Select = canonicalQuery(p.Select)
	}
	t.Views = canonicalViews(t.Views, t.Database)
	t.Cluster, t.Storage, t.Rebuild, t.chosenSetting = "", nil, nil, ""
	return t
}

// canonicalSetting writes the two truth values as numbers.
func canonicalSetting(value string) string {
	switch value {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return value
}

// canonicalGranularity is the granularity that the server fills in. For indexes
// that always span a whole part it means nothing, and is not compared.
func canonicalGranularity(x Index) int {
	for _, whole := range []string{"text", "vector_similarity"} {
		if x.Type == whole || strings.HasPrefix(x.Type, whole+"(") {
			return 0
		}
	}
	return max(1, x.Granularity)
}

// The server writes this setting into every table.
const (
	granularitySetting = "index_granularity"
	defaultGranularity = "8192"
)

func joinList(tokens []token) string {
	var out []string
	for _, part := range splitTop(tokens) {
		out = append(out, canonicalTokens(part))
	}
	return strings.Join(out, ", ")
}
