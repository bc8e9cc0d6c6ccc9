package diff_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// generator makes random schemas.
type generator struct{ *rand.Rand }

// one is true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

var randomTypes = []fact.FieldType{
	fact.String, fact.LowCardinalityString, fact.Bool, fact.Int8, fact.Int16, fact.Int32, fact.Int64, fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64,
	fact.Float32, fact.Float64, fact.Date, fact.UUID, fact.Decimal, fact.Enum, fact.StringMap, fact.JSON,
}

var fieldNamesPool = []string{"a", "b", "c", "it's", "d e", "f`g", "тест", "select", "h\\i", "TTL"}

func (g *generator) field(name string) fact.Field {
	f := fact.Field{Name: name, Type: pick(g, randomTypes...)}
	switch f.Type {
	case fact.Decimal:
		f.Precision = 4 + g.IntN(15)
		f.Scale = g.IntN(4)
	case fact.Enum:
		f.Values = []string{"a", "it's", "ü"}
	default:
	}
	if composite := f.Type == fact.StringMap || f.Type == fact.JSON; !composite {
		f.Nullable = g.one(4)
		f.Array = !f.Nullable && g.one(8)
	}
	f.Default = g.value(f)
	f.Comment = pick(g, "", "", "old", "it's")
	return f
}

// value returns a default, or nil.
func (g *generator) value(f fact.Field) any {
	if f.Array || g.one(2) {
		return nil
	}
	switch f.Type {
	case fact.String, fact.LowCardinalityString:
		return pick(g, "", "x", "it's", "a\\b\n")
	case fact.Bool:
		return g.one(2)
	case fact.Enum:
		return pick(g, f.Values...)
	case fact.Date:
		return "2024-02-29"
	case fact.Decimal:
		return pick(g, "0", "1", "-3")
	case fact.StringMap:
		return map[string]string{"k": "it's"}
	case fact.JSON:
		return map[string]any{"k": g.IntN(3)}
	case fact.UUID:
		return nil
	case fact.Float32, fact.Float64:
		return pick(g, 0.5, 3, -1e-7)
	case fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64:
		return g.IntN(100)
	default:
		return g.IntN(100) - 50
	}
}

// codec returns a codec that does for the field, or none.
func (g *generator) codec(f fact.Field) string {
	if g.one(2) || f.Array {
		return ""
	}
	switch f.Type {
	case fact.Int8, fact.Int16, fact.Int32, fact.Int64, fact.UInt8, fact.UInt16, fact.UInt32, fact.UInt64:
		return pick(g, "T64, LZ4", "Delta, ZSTD", "DoubleDelta, LZ4", "ZSTD(5)", "Default")
	case fact.Float32, fact.Float64:
		return pick(g, "Gorilla, LZ4", "FPC, ZSTD(1)", "LZ4HC")
	default:
		return pick(g, "ZSTD", "LZ4", "NONE", "LZ4HC(9)")
	}
}

func (g *generator) version() version {
	v := version{schema: fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt64}, {Name: "at", Type: fact.DateTime64}}}}
	names := slices.Clone(fieldNamesPool)
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:2+g.IntN(5)] {
		v.schema.Fields = append(v.schema.Fields, g.field(name))
	}
	v.options = ddl.Options{
		Comment: pick(g, "", "old", "it's"), TTL: pick(g, "", "", "at + INTERVAL 40 YEAR"),
		Settings: map[string]string{}, Columns: map[string]ddl.ColumnOptions{},
	}
	for _, f := range v.schema.Fields[2:] {
		g.fieldOptions(&v.options, f)
	}
	g.settings(&v.options)
	return v
}

func (g *generator) settings(o *ddl.Options) {
	for _, name := range []string{"merge_with_ttl_timeout", "min_bytes_for_wide_part", "max_parts_in_total"} {
		if g.one(3) {
			o.Settings[name] = pick(g, "500", "1000", "100000")
		}
	}
}

// fieldOptions gives a field a codec, a TTL and an index, or none of them.
func (g *generator) fieldOptions(o *ddl.Options, f fact.Field) {
	c := ddl.ColumnOptions{Codec: g.codec(f)}
	if g.one(8) {
		c.TTL = "at + INTERVAL 40 YEAR"
	}
	o.Columns[f.Name] = c
	if f.Array || f.Type == fact.StringMap || !g.one(4) {
		return
	}
	if g.one(3) {
		o.Views = append(o.Views, g.view(f.Name, len(o.Views) == 0))
	}
	if g.one(3) {
		o.Projections = append(o.Projections, g.projection(f.Name))
	}
	o.Indexes = append(o.Indexes, ddl.Index{
		Name: "by " + f.Name, Expr: ddl.QuoteIdent(f.Name), Type: pick(g, "minmax", "set(10)"), Granularity: g.IntN(3),
	})
}

// projection returns a projection of a field, spelled as people do.
func (g *generator) projection(field string) ddl.Projection {
	name := ddl.QuoteIdent(field)
	return ddl.Projection{Name: "of " + field, Select: fmt.Sprintf(pick(g,
		"select at,id order by (at, %s)", "SELECT id, %s\nORDER BY %[1]s", "SELECT %s, count() how_many, max(at) GROUP BY %[1]s", "SELECT id, any(%s) GROUP BY id"), name)}
}

// view returns a materialized view of a field. The first of a schema defines the
// target.
func (g *generator) view(field string, first bool) ddl.ViewOptions {
	v := ddl.ViewOptions{Name: "v " + field, To: "copies", Comment: pick(g, "", "old", "it's"), Select: fmt.Sprintf(pick(g,
		"select id,toString(%s) as v from t", "SELECT id, toString(%s) AS v\nFROM t WHERE id > 3", "SELECT id, CONCAT(toString(%s), 'it''s') v FROM t"), ddl.QuoteIdent(field))}
	if first {
		v.Target.Columns = []ddl.TargetColumn{{Name: "id", Type: "UInt64"}, {Name: "v", Type: "Nullable( text )"}}
	}
	return v
}

// wider are types that hold every value of another.
var wider = map[fact.FieldType][]fact.FieldType{
	fact.Int8: {fact.Int16, fact.Int64, fact.Float32}, fact.Int16: {fact.Int32, fact.Float64}, fact.Int32: {fact.Int64, fact.Float64},
	fact.UInt8: {fact.UInt16, fact.Int16, fact.Float32}, fact.UInt16: {fact.UInt64, fact.Int32}, fact.UInt32: {fact.UInt64, fact.Int64, fact.Float64},
	fact.Float32: {fact.Float64}, fact.String: {fact.LowCardinalityString}, fact.LowCardinalityString: {fact.String},
}

// evolve returns a later version of v.
func (g *generator) evolve(v version) version {
	out := version{schema: v.schema, options: v.options}
	out.options.Settings, out.options.Columns = maps.Clone(v.options.Settings), maps.Clone(v.options.Columns)
	out.options.Indexes, out.options.Projections = slices.Clone(v.options.Indexes), slices.Clone(v.options.Projections)
	out.options.Views = slices.Clone(v.options.Views)
	out.schema.Fields = slices.Clone(v.schema.Fields[:2])
	if g.one(12) {
		return v
	}
	for _, f := range v.schema.Fields[2:] {
		if next, ok := g.evolveField(&out.options, f); ok {
			out.schema.Fields = append(out.schema.Fields, next)
		}
	}
	for i := range g.IntN(3) {
		f := g.field(fmt.Sprintf("new %d", i))
		out.schema.Fields = slices.Insert(out.schema.Fields, 2+g.IntN(len(out.schema.Fields)-1), f)
		g.fieldOptions(&out.options, f)
	}
	g.evolveTable(&out)
	return out
}

// evolveField changes one thing about a field, or drops it.
func (g *generator) evolveField(o *ddl.Options, f fact.Field) (fact.Field, bool) {
	forget := func() {
		delete(o.Columns, f.Name)
		o.Indexes = slices.DeleteFunc(o.Indexes, func(x ddl.Index) bool { return x.Expr == ddl.QuoteIdent(f.Name) })
		o.Projections = slices.DeleteFunc(o.Projections, func(p ddl.Projection) bool { return p.Name == "of "+f.Name })
		o.Views = slices.DeleteFunc(o.Views, func(v ddl.ViewOptions) bool { return v.Name == "v "+f.Name })
	}
	switch g.IntN(14) {
	case 0:
		forget()
		return f, false
	case 1, 2:
		f.Default = g.value(f)
	case 3:
		f.Comment = pick(g, "", "new", "it's")
	case 4, 5:
		forget()
		g.fieldOptions(o, f)
	case 6, 7, 8:
		if to := wider[f.Type]; len(to) > 0 && !f.Array {
			f.Type, f.Default = pick(g, to...), nil
			forget()
			g.fieldOptions(o, f)
		}
		if f.Type == fact.Enum {
			f.Values = append(slices.Clone(f.Values), "more")
		}
		if f.Type == fact.Decimal {
			f.Precision += 4
			f.Scale += g.IntN(4)
		}
	case 9:
		if f.Type != fact.StringMap && f.Type != fact.JSON && !f.Array {
			f.Nullable = true
		}
	case 10:
		if g.one(4) {
			forget()
			return g.field(f.Name), true // most often another type altogether
		}
	}
	return f, true
}

// evolveTable changes what is not about single fields.
func (g *generator) evolveTable(v *version) {
	g.settings(&v.options)
	switch g.IntN(12) {
	case 0:
		v.options.TTL = ""
	case 1:
		v.options.TTL = "at + INTERVAL 1 YEAR"
	case 2:
		v.options.TTL = "at + INTERVAL 45 YEAR"
	case 3:
		v.options.Comment = "new"
	case 4:
		clear(v.options.Settings)
	case 5:
		v.options.PartitionBy = "toYear(at)"
	case 6:
		v.schema.OrderBy = []string{"id", "at"}
	}
}
