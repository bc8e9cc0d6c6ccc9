package ddl

import (
	"maps"
	"slices"
	"strings"
)

// canonical is an expression in the one form that it is compared in.
type canonical struct {
	// text is the form itself. Equal texts mean the same.
	text string
	// exact says that the server prints the expression just so, and that an
	// unequal text therefore means something else.
	exact bool
}

// canonicalExpr returns the canonical form of an expression. Text that cannot
// be taken apart is its own form, and not exact.
func canonicalExpr(s string) canonical {
	tokens, err := tokenize(s)
	if err != nil {
		return canonical{text: s}
	}
	return canonicalTokens(tokens)
}

func canonicalTokens(tokens []token) canonical {
	tokens = bare(rewriteIntervals(tokens))
	return canonical{text: joinTokens(tokens), exact: isExact(tokens)}
}

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

// intervalUnits are the units of an INTERVAL and the functions that the server
// turns them into.
var intervalUnits = map[string]string{
	"NANOSECOND": "toIntervalNanosecond", "MICROSECOND": "toIntervalMicrosecond", "MILLISECOND": "toIntervalMillisecond",
	"SECOND": "toIntervalSecond", "MINUTE": "toIntervalMinute", "HOUR": "toIntervalHour", "DAY": "toIntervalDay",
	"WEEK": "toIntervalWeek", "MONTH": "toIntervalMonth", "QUARTER": "toIntervalQuarter", "YEAR": "toIntervalYear",
}

// rewriteIntervals writes INTERVAL 1 DAY as toIntervalDay(1).
func rewriteIntervals(tokens []token) []token {
	var out []token
	for i := 0; i < len(tokens); i++ {
		if !tokens[i].isKeyword("INTERVAL") || i+2 >= len(tokens) || tokens[i+1].kind != numberToken || tokens[i+2].kind != wordToken {
			out = append(out, tokens[i])
			continue
		}
		unit := strings.ToUpper(tokens[i+2].text)
		fn, ok := intervalUnits[unit]
		if !ok {
			fn, ok = intervalUnits[strings.TrimSuffix(unit, "S")]
		}
		if !ok {
			out = append(out, tokens[i])
			continue
		}
		out = append(out, token{kind: wordToken, text: fn}, token{kind: symbolToken, text: "("}, tokens[i+1], token{kind: symbolToken, text: ")"})
		i += 2
	}
	return out
}

// canonicalKey returns the expressions of a key in canonical form. A key that
// is one tuple is taken apart.
func canonicalKey(key []string) []string {
	var out []string
	for _, k := range key {
		if text := canonicalExpr(k).text; text != "" {
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
		out = append(out, canonicalTokens(part).text)
	}
	return out
}

// Canonical returns a copy of t in the form in which tables are compared, with
// nothing in common with t in memory. A table read back from the server has the
// same canonical form as the Table that it was created from, provided that its
// expressions are written in a way that the server does not rewrite beyond what
// this package knows: spacing, quoting, parentheses around a whole expression,
// INTERVAL.
func (t Table) Canonical() Table {
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Type = canonicalType(c.Type)
		c.Default = canonicalExpr(c.Default).text
		c.written = false
		c.Codec = canonicalCodec(c.Codec, c.Type)
		c.TTL = canonicalExpr(c.TTL).text
	}
	if e, err := parseEngine(t.Engine); err == nil {
		t.Engine = e.String()
	}
	t.OrderBy = canonicalKey(t.OrderBy)
	t.PrimaryKey = canonicalKey(t.PrimaryKey)
	if slices.Equal(t.PrimaryKey, t.OrderBy) {
		t.PrimaryKey = nil
	}
	t.PartitionBy = canonicalExpr(t.PartitionBy).text
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
		p.Select, p.Printed = canonicalQuery(p.Select, p.Printed), ""
	}
	t.Views = canonicalViews(t.Views, t.Database)
	t.Cluster, t.Storage, t.Rebuild = "", nil, nil
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
		out = append(out, canonicalTokens(part).text)
	}
	return strings.Join(out, ", ")
}
