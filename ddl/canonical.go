package ddl

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/coltype"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// Canonical returns a copy of t in the form in which tables are compared, with
// nothing in common with t in memory. A table read back from the server has the
// same canonical form as the Table that it was created from, if both are as the
// server prints them; see [Table.Printed].
func (t Table) Canonical() Table {
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Type = coltype.Canonical(c.Type)
		c.Default = sqltext.CanonicalExpr(c.Default)
		c.written, c.chosen.codec, c.chosen.def = false, false, false
		c.Codec = coltype.CanonicalCodec(c.Codec, c.Type)
		c.TTL = sqltext.CanonicalExpr(c.TTL)
	}
	if e, err := sqltext.ParseEngine(t.Engine); err == nil {
		t.Engine = e.String()
	}
	if t.Distributed != nil {
		d := *t.Distributed
		d.Key = sqltext.CanonicalExpr(d.Key)
		if d.Database == "" {
			d.Database = t.Database
		}
		t.Distributed = &d
	}
	t.OrderBy = sqltext.CanonicalKey(t.OrderBy)
	t.PrimaryKey = sqltext.CanonicalKey(t.PrimaryKey)
	if slices.Equal(t.PrimaryKey, t.OrderBy) {
		t.PrimaryKey = nil
	}
	t.PartitionBy = sqltext.CanonicalExpr(t.PartitionBy)
	t.TTL = sqltext.CanonicalTTL(t.TTL)
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
		x.Expr = strings.Join(sqltext.SplitKey(x.Expr), ", ")
		x.Type = coltype.Canonical(x.Type)
		x.Granularity = canonicalGranularity(*x)
	}
	t.Projections = slices.Clone(t.Projections)
	for i := range t.Projections {
		p := &t.Projections[i]
		p.Select = sqltext.CanonicalQuery(p.Select)
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

// canonicalViews returns views in the form in which they are compared.
func canonicalViews(list []View, database string) []View {
	out := slices.Clone(list)
	for i := range out {
		v := &out[i]
		v.Select = unqualified(sqltext.CanonicalQuery(v.Select), database)
		v.To = TableName{Database: v.To.Database, Name: v.To.Name}
		if v.To.Database == "" {
			v.To.Database = database
		}
		v.Target = nil
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// unqualified takes the name of a database away from the tables of a query. The
// server puts it before those that have none.
func unqualified(query, database string) string {
	tokens, err := sqltext.Tokenize(query)
	if err != nil || database == "" {
		return query
	}
	var out []sqltext.Token
	for i := 0; i < len(tokens); i++ {
		named := tokens[i].Kind == sqltext.WordToken || tokens[i].Kind == sqltext.NameToken
		if named && tokens[i].Text == database && i > 0 && i+2 < len(tokens) && tokens[i+1].Is(".") && tableFollows(tokens[i-1]) {
			i++
			continue
		}
		out = append(out, tokens[i])
	}
	return sqltext.JoinTokens(out)
}

// tableFollows reports whether the name of a table may stand behind the token.
func tableFollows(t sqltext.Token) bool {
	return t.Is(",") || t.Is("(") || slices.ContainsFunc([]string{"FROM", "JOIN", "IN"}, t.IsKeyword)
}
