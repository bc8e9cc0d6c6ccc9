package schemas_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// everything is a file that uses each key and each type.
const everything = `# a comment
name: price
description: The price of an article.
order_by: [shop, at]
replace_by: u64
fields:
  - {name: id, type: uuid, fact_id: true}
  - name: shop
    type: low_cardinality_string
    default: main
    comment: Where it is sold
  - {name: at, type: datetime64, default: 2026-01-02T03:04:05Z}
  - {name: day, type: date, default: 2026-01-02}
  - {name: amount, type: decimal, precision: 18, scale: 4, default: 1.50}
  - {name: state, type: enum, values: [open, "closed", 'on'], default: "on"}
  - {name: labels, type: string_map, default: {colour: red}}
  - {name: extra, type: json, default: {b: [1, 2.50, x, null, true, 2026-01-02], a: 0x10}}
  - {name: tags, type: string, array: true, default: [a, b]}
  - {name: note, type: string, nullable: true}
  - {name: active, type: bool, default: true}
  - {name: u8, type: uint8, default: 255}
  - {name: u16, type: uint16, default: 1_000}
  - {name: u32, type: uint32, default: 0}
  - {name: u64, type: uint64, default: 18446744073709551615}
  - {name: i8, type: int8, default: -128}
  - {name: i16, type: int16}
  - {name: i32, type: int32}
  - {name: i64, type: int64, default: -9223372036854775808}
  - {name: f32, type: float32, default: 0.5}
  - {name: f64, type: float64, array: true, default: [1, -2.5e-3]}
  - {name: body, type: native_json, surrogates: replace, nan: null, null: default}
  - {name: created, type: datetime64, unit: s, precision: 9, from: response.body.created}
  - {name: score, type: float64, nullable: true, quoted: true, nan: null, from: '"a.b".0.c'}
clickhouse:
  engine: MergeTree
  partition_by: toYYYYMM(at)
  primary_key: [shop]
  ttl: toDateTime(at) + INTERVAL 1 YEAR
  settings: {index_granularity: 4096, min_bytes_for_wide_part: "0", ttl_only_drop_parts: true}
  comment: Prices.
  columns:
    note: {codec: ZSTD(9), ttl: toDateTime(at) + INTERVAL 1 DAY}
  indexes:
    - {name: by_note, expr: note, type: bloom_filter(0.01), granularity: 4}
  cluster: main
---
name: other
fields: [{name: x, type: string}]
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := schemas.Parse("dir/all.yaml", []byte(everything))
	require.NoError(t, err)
	require.Equal(t, got[0].Table, got[0].Schema.Table)
	require.Nil(t, got[1].Schema.Table)
	got[0].Schema.Table = nil
	require.Equal(t, []schemas.Definition{
		{
			Schema: fact.Schema{
				Name:      "price",
				OrderBy:   []string{"shop", "at"},
				ReplaceBy: "u64",
				Fields: []fact.Field{
					{Name: "id", Type: fact.UUID, FactID: true},
					{Name: "shop", Type: fact.LowCardinalityString, Default: "main", Comment: "Where it is sold"},
					{Name: "at", Type: fact.DateTime64, Default: "2026-01-02T03:04:05Z"},
					{Name: "day", Type: fact.Date, Default: "2026-01-02"},
					{Name: "amount", Type: fact.Decimal, Precision: 18, Scale: 4, Default: json.Number("1.50")},
					{Name: "state", Type: fact.Enum, Values: []string{"open", "closed", "on"}, Default: "on"},
					{Name: "labels", Type: fact.StringMap, Default: map[string]string{"colour": "red"}},
					{Name: "extra", Type: fact.JSON, Default: json.RawMessage(`{"b":[1,2.50,"x",null,true,"2026-01-02"],"a":16}`)},
					{Name: "tags", Type: fact.String, Array: true, Default: []any{"a", "b"}},
					{Name: "note", Type: fact.String, Nullable: true},
					{Name: "active", Type: fact.Bool, Default: true},
					{Name: "u8", Type: fact.UInt8, Default: int64(255)},
					{Name: "u16", Type: fact.UInt16, Default: int64(1000)},
					{Name: "u32", Type: fact.UInt32, Default: int64(0)},
					{Name: "u64", Type: fact.UInt64, Default: uint64(18446744073709551615)},
					{Name: "i8", Type: fact.Int8, Default: int64(-128)},
					{Name: "i16", Type: fact.Int16},
					{Name: "i32", Type: fact.Int32},
					{Name: "i64", Type: fact.Int64, Default: int64(-9223372036854775808)},
					{Name: "f32", Type: fact.Float32, Default: 0.5},
					{Name: "f64", Type: fact.Float64, Array: true, Default: []any{int64(1), -2.5e-3}},
					{Name: "body", Type: fact.NativeJSON, ReplaceSurrogates: true, NaNIsNull: true, NullIsDefault: true},
					{Name: "created", Type: fact.DateTime64, Unit: fact.Seconds, Precision: 9, From: "response.body.created"},
					{Name: "score", Type: fact.Float64, Nullable: true, Quoted: true, NaNIsNull: true, From: `"a.b".0.c`},
				},
			},
			Description: "The price of an article.",
			Table: ddl.Options{
				Engine:      "MergeTree",
				PartitionBy: "toYYYYMM(at)",
				PrimaryKey:  []string{"shop"},
				TTL:         "toDateTime(at) + INTERVAL 1 YEAR",
				Settings: map[string]string{
					"index_granularity": "4096", "min_bytes_for_wide_part": "0", "ttl_only_drop_parts": "true",
				},
				Comment: "Prices.",
				Columns: map[string]ddl.ColumnOptions{"note": {Codec: "ZSTD(9)", TTL: "toDateTime(at) + INTERVAL 1 DAY"}},
				Indexes: []ddl.Index{{Name: "by_note", Expr: "note", Type: "bloom_filter(0.01)", Granularity: 4}},
				Cluster: "main",
			},
			Source: "dir/all.yaml:2",
		},
		{
			Schema: fact.Schema{Name: "other", Fields: []fact.Field{{Name: "x", Type: fact.String}}},
			Source: "dir/all.yaml:47",
		},
	}, got)
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	const fields = "\nfields: [{name: x, type: string}]\n"
	for name, text := range map[string]string{
		"windows line ends":   strings.ReplaceAll("name: a"+fields, "\n", "\r\n"),
		"byte order mark":     "\ufeffname: a" + fields,
		"empty documents":     "---\n---\nname: a" + fields + "---\n# nothing\n",
		"empty order_by":      "name: a\norder_by: []" + fields,
		"empty blocks":        "name: a\norder_by:\nclickhouse:\n  # ttl: x" + fields,
		"unicode":             "name: größe\ndescription: \"\\u00e9 日本\"" + fields,
		"JSON":                `{"name": "a", "fields": [{"name": "x", "type": "string"}]}`,
		"long text":           "name: a\ndescription: |\n  two\n  lines" + fields,
		"not text elsewhere":  "name: \"12\"" + fields,
		"a field of any name": "name: a\nfields: [{name: \"`; DROP TABLE x\", type: string}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defs, err := schemas.Parse("a.yaml", []byte(text))
			require.NoError(t, err)
			require.Len(t, defs, 1)
		})
	}
}

func TestDescriptionIsTheCommentOfTheTable(t *testing.T) {
	t.Parallel()
	defs, err := schemas.Parse("a.yaml", []byte("name: a\ndescription: What it is.\nfields: [{name: x, type: string}]"))
	require.NoError(t, err)
	require.Equal(t, "What it is.", defs[0].Table.Comment)
}

// in puts lines into a file that is otherwise right. They begin on line 2.
func in(lines string) string { return "name: a\n" + lines + "\nfields: [{name: x, type: string}]\n" }

// field puts a field into a file that is otherwise right. It is on line 4 from column 5 on.
func field(f string) string {
	return "name: a\norder_by: [x]\nfields:\n  - " + f + "\n  - {name: x, type: string}\n"
}

var parseErrors = []struct{ name, text, want string }{
	{"nothing", "", `a.yaml: there is no schema in this file: it needs at least name and fields`},
	{"comments only", "# a\n---\n", `a.yaml: there is no schema in this file: it needs at least name and fields`},
	{"text", "hello", `a.yaml:1:1: want a mapping of keys to values, got the text "hello"`},
	{"list", "- a", `a.yaml:1:1: want a mapping of keys to values, got a list`},
	{
		"JSON lines", `{"question": "a", "answer": "b"}` + "\n" + `{"question": "c"}`,
		"a.yaml:1:1: a schema needs a name: add a line such as \"name: message\"\n" +
			"a.yaml:1:2: unknown key \"question\": known keys are name, description, order_by, replace_by, fields, clickhouse\n" +
			"a.yaml:1:19: unknown key \"answer\": known keys are name, description, order_by, replace_by, fields, clickhouse\n" +
			"a.yaml:2: not valid YAML here or below: did not find expected <document start>",
	},
	{"malformed", "name: [a\nb: c", "a.yaml:2: not valid YAML here or below: did not find expected ',' or ']'"},
	{"malformed later", in("") + "---\nname: 'a", "a.yaml:5: not valid YAML here or below: found unexpected end of stream"},
	{"tab", "name: a\nfields:\n\t- {name: x, type: string}", "a.yaml:3:1: a tab cannot indent a line in YAML: use spaces"},
	{"not UTF-8", "name: a\ndescription: f\xfcr", "a.yaml:2:15: byte 0xfc is not UTF-8: save the file as UTF-8"},
	{"UTF-16", "\xff\xfen\x00a\x00", "a.yaml:1:1: the file is UTF-16: save it as UTF-8"},
	{"binary", "name: é\x00", "a.yaml:1:8: control character U+0000 is not allowed in YAML"},
	{"huge", strings.Repeat(" ", schemas.MaxFileBytes+1), "a.yaml: the file has more than 4194304 bytes: it cannot be a schema"},

	{"no name", "fields: [{name: x, type: string}]", `a.yaml:1:1: a schema needs a name: add a line such as "name: message"`},
	{"null name", "name:\nfields: [{name: x, type: string}]", "a.yaml:1:6: want text, got nothing"},
	{"empty name", "name: \"\"\nfields: [{name: x, type: string}]", "a.yaml:1:7: a schema needs a name: add a line such as \"name: message\""},
	{"number as name", "name: 12\nfields: [{name: x, type: string}]", "a.yaml:1:7: want text, got the number 12: put it in quotes"},
	{"list as name", "name: [a]\nfields: [{name: x, type: string}]", "a.yaml:1:7: want text, got a list"},
	{"no fields", "name: a", "a.yaml:1:1: the schema has no fields: give it at least one"},
	{"empty fields", "name: a\nfields: []", "a.yaml:2:9: the schema has no fields: give it at least one"},
	{"fields as mapping", "name: a\nfields: {x: string}", "a.yaml:2:9: fields: want a list, got a mapping"},
	{"field as text", "name: a\nfields: [x]", "a.yaml:2:10: fields[0]: want a mapping of keys to values, got the text \"x\""},
	{
		"same name twice", "name: a\nfields: [{name: x, type: string}]\n---\nname: a\nfields: [{name: x, type: string}]",
		`a.yaml:4:7: schema "a" is there twice, first on line 1`,
	},

	{"unknown key", in("descriptiom: x"), `a.yaml:2:1: unknown key "descriptiom", did you mean "description"?`},
	{"unlike any key", in("zzz: x"), `a.yaml:2:1: unknown key "zzz": known keys are name, description, order_by, replace_by, fields, clickhouse`},
	{"key twice", in("name: b"), `a.yaml:2:1: key "name" is there twice, first on line 1`},
	{"key is a list", in("[a]: b"), `a.yaml:2:1: a key is text, got a list`},
	{"anchor", in("description: &x y"), `a.yaml:2:14: anchors and aliases are not supported: write the value out`},
	{"anchor on key", in("&x description: y"), `a.yaml:2:1: anchors and aliases are not supported: write the value out`},
	{
		"alias", "name: &x a\ndescription: *x\nfields: [{name: x, type: string}]",
		"a.yaml:1:7: anchors and aliases are not supported: write the value out\n" +
			"a.yaml:2:14: anchors and aliases are not supported: write the value out",
	},
	{"unknown alias", in("description: *nope"), `a.yaml:2:14: anchors and aliases are not supported: write the value out`},
	{"merge key", in("<<: {description: x}"), `a.yaml:2:1: merge keys are not supported: write the keys out`},
	{"own tag", in("description: !secret x"), `a.yaml:2:14: want text, got a value with the tag !secret: put it in quotes`},

	{"order_by as text", in("order_by: x"), `a.yaml:2:11: order_by: want a list, got the text "x"`},
	{"order_by unknown", in("order_by: [x, y]"), `a.yaml:2:15: field "y" is in order_by but is not a field of the schema`},
	{"order_by twice", in("order_by: [x, x]"), `a.yaml:2:15: field "x" is in order_by twice`},
	{
		"order_by nullable", "name: a\norder_by: [x]\nfields: [{name: x, type: string, nullable: true}]",
		`a.yaml:2:12: field "x" is in order_by and nullable: a sorting key cannot hold NULL`,
	},

	{"field without name", field("{type: string}"), `a.yaml:4:5: a field needs a name`},
	{"field without type", field("{name: y}"), `a.yaml:4:5: a field needs a type: known types are ` + allTypes},
	{"empty type", field(`{name: y, type: ""}`), `a.yaml:4:21: a field needs a type: known types are ` + allTypes},
	{"number as type", field(`{name: y, type: 8}`), `a.yaml:4:21: want text, got the number 8: put it in quotes`},
	{"unknown type", field("{name: y, type: strnig}"), `a.yaml:4:21: unknown type "strnig", did you mean "string"? known types are ` + allTypes},
	{"type of another world", field("{name: y, type: varchar}"), `a.yaml:4:21: unknown type "varchar": known types are ` + allTypes},
	{"unknown key of a field", field("{name: y, type: string, nulable: true}"), `a.yaml:4:29: unknown key "nulable", did you mean "nullable"?`},
	{"key of a field twice", field("{name: y, type: string, type: json}"), `a.yaml:4:29: key "type" is there twice, first on line 4`},
	{"yes", field("{name: y, type: string, nullable: yes}"), `a.yaml:4:39: want true or false, got the text "yes"`},
	{"field twice", field("{name: x, type: uint8}"), `a.yaml:5:12: field "x" is declared twice: names must be unique`},
	{"empty field name", field(`{name: "", type: string}`), `a.yaml:4:12: a field needs a name`},
	{"reserved name", field("{name: _row_exists, type: bool}"), `a.yaml:4:12: column name "_row_exists": is reserved by ClickHouse: choose another`},
	{
		"nullable array", field("{name: y, type: string, nullable: true, array: true}"),
		`a.yaml:4:12: field "y" is a nullable array: an empty array stands for no value`,
	},
	{
		"fact_id of a number", field("{name: y, type: int64, fact_id: true}"),
		`a.yaml:4:12: field "y" carries the fact ID but is int64: use string or uuid`,
	},
	{"precision too high", field("{name: y, type: decimal, precision: 99}"), `a.yaml:4:12: field "y" has precision 99: a decimal takes 1 to 38`},
	{"precision as text", field("{name: y, type: decimal, precision: many}"), `a.yaml:4:41: want a whole number, got the text "many"`},
	{
		"precision overflows", field("{name: y, type: decimal, precision: 99999999999999999999}"),
		`a.yaml:4:41: want a whole number, got the number 99999999999999999999`,
	},
	{"enum value as number", field("{name: y, type: enum, values: [1]}"), `a.yaml:4:36: want text, got the number 1: put it in quotes`},
	{"enum without values", field("{name: y, type: enum}"), `a.yaml:4:12: field "y" has 0 values: an enum takes 1 to 127`},

	{"from empty", field("{name: y, type: json, from: ''}"), `a.yaml:4:33: from is empty: leave it out, or write '""' for the empty key`},
	{"from a number", field("{name: y, type: json, from: 0.a}"), `a.yaml:4:33: field "y" has from "0.a": it begins with the number of an element, but a row is an object: put a key of digits in quotes, as in "0"`},
	{"from a decimal", field("{name: y, type: json, from: 0.1}"), `a.yaml:4:33: want text, got the number 0.1: put it in quotes`},
	{"from twice", field("{name: y, type: json, from: x.z}"), `a.yaml:5:12: field "x" is taken from x, which field "y" takes too, or takes a part of: only one of them can`},
	{"unit unknown", field("{name: y, type: date, unit: h}"), `a.yaml:4:33: field "y" has the unit "h": use s, ms, us or ns`},
	{"unit of text", field("{name: y, type: string, unit: s}"), `a.yaml:4:35: field "y" has a unit, which string does not take: it is for datetime64 and date`},
	{"nan of text", field("{name: y, type: string, nan: null}"), `a.yaml:4:34: field "y" has nan: null, which string does not take: it is for numbers, json and native_json`},
	{"nan zero", field("{name: y, type: float64, nan: 0}"), `a.yaml:4:35: nan is null, or left out; got the number 0`},
	{"null null", field("{name: y, type: float64, null: null}"), `a.yaml:4:36: null is default, or left out; got nothing`},
	{"replace_by with an engine", "name: a\norder_by: [x]\nreplace_by: y\nfields: [{name: x, type: string}, {name: y, type: date}]\nclickhouse: {engine: SummingMergeTree}", `a.yaml:5:22: engine "SummingMergeTree" does not go with replace_by, which makes it ReplacingMergeTree(y): leave one of them out`},
	{"replace_by unknown", in("replace_by: y"), `a.yaml:2:13: field "y" is in replace_by but is not a field of the schema`},

	{"unknown option", in("clickhouse: {partitionby: x}"), `a.yaml:2:14: unknown key "partitionby", did you mean "partition_by"?`},
	{"options as text", in("clickhouse: x"), `a.yaml:2:13: clickhouse: want a mapping of keys to values, got the text "x"`},
	{"setting as list", in("clickhouse: {settings: {a: [1]}}"), `a.yaml:2:28: want text, got a list`},
	{"column unknown", in("clickhouse:\n  columns: {y: {codec: LZ4}}"), `a.yaml:3:16: columns.y is not a field of the schema`},
	{"expression open", in("clickhouse:\n  partition_by: f(x"), `a.yaml:3:17: partition_by "f(x" lacks a )`},
	{
		"primary key", in("order_by: [x]\nclickhouse: {primary_key: [y]}"),
		`a.yaml:3:27: primary_key ["y"] must be the first fields of order_by ["x"]`,
	},
	{"index without type", in("clickhouse:\n  indexes: [{name: i, expr: x}]"), `a.yaml:3:13: indexes[0].type "" is empty`},
	{"projection without a query", in("clickhouse:\n  projections: [{name: i}]"), `a.yaml:3:17: projections[0].select "" is empty`},
	{"projection of two queries", in("clickhouse:\n  projections:\n    - name: i\n      select: |\n        SELECT x UNION ALL SELECT x"), `a.yaml:5:15: projections[0].select "SELECT x UNION ALL SELECT x" has UNION, which is no part of a single SELECT`},
	{"projection that a server would print", in("clickhouse:\n  projections: [{name: i, select: SELECT x ORDER BY x, printed: x}]"), `a.yaml:3:56: unknown key "printed": known keys are name, select`},
	{"view of two queries", in("clickhouse:\n  views:\n    - name: v\n      to: y\n      select: |\n        SELECT x FROM a\n        UNION ALL SELECT x FROM a"), `a.yaml:6:15: views[0].select "SELECT x FROM a UNION ALL SELECT x FROM a" has UNION, which is no part of a single SELECT`},
	{"type of a target", in("clickhouse:\n  views:\n    - {name: v, to: y, select: SELECT x FROM a, target: {columns: [{name: x, type: f(x}]}}"), `a.yaml:4:84: views[0].target.columns[0].type "f(x" lacks a )`},
	{"target without columns", in("clickhouse:\n  views:\n    - {name: v, to: y, select: SELECT x FROM a, target: {order_by: [x]}}"), `a.yaml:4:57: views[0].target.columns are missing: a target that is defined here has them`},
	{"key of a target", in("clickhouse:\n  views:\n    - {name: v, to: y, select: SELECT x FROM a, target: {colums: [x]}}"), `a.yaml:4:58: unknown key "colums", did you mean "columns"?`},
	{"view into its own table", in("clickhouse:\n  views:\n    - {name: v, to: a, select: SELECT x FROM a}"), `a.yaml:4:21: views[0].to "a" is the table of the schema, which the view reads`},
	{"value with commas", in("clickhouse:\n  indexes: [{name: i, expr: x, type: set(1, 2)}]"), `a.yaml:3:45: unknown key "2)": known keys are name, expr, type, granularity; if it belongs to the value before it, put that in quotes, because of the comma`},
	{"key of an index", in("clickhouse:\n  indexes: [{name: i, expr: x, typ: minmax}]"), `a.yaml:3:32: unknown key "typ", did you mean "type"?`},
}

const allTypes = "string, low_cardinality_string, bool, uint16, uint32, float32, float64, datetime64, json, int8, int16, int32, " +
	"int64, uint8, uint64, date, uuid, decimal, enum, string_map, native_json"

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range parseErrors {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			defs, err := schemas.Parse("a.yaml", []byte(c.text))
			require.EqualError(t, err, c.want)
			require.Nil(t, defs)
		})
	}
}

func TestParseRefusesDefaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, value, want string }{
		{"uint16", "65536", "65536 does not fit into uint16"},
		{"uint8", "-1", "-1 does not fit into uint8"},
		{"int64", "9223372036854775808", "9223372036854775808 does not fit into int64"},
		{"uint64", "99999999999999999999", "99999999999999999999 does not fit into uint64"},
		{"int32", "1.5", "1.5 is not a whole number"},
		{"int32", "'1'", `want a number, got the text "1"`},
		{"int32", "[1]", `want a single value, got a list`},
		{"float64", ".nan", "NaN is not a finite number"},
		{"float32", "1e39", "1e+39 is not a finite number of 32 bits"},
		{"bool", "1", "want true or false, got the number 1"},
		{"string", "1", "want text, got the number 1: put it in quotes"},
		{"low_cardinality_string", "true", "want text, got the bool true: put it in quotes"},
		{"datetime64", "yesterday", `"yesterday" is not a time`},
		{"datetime64", "true", "want a time as text, got the bool true"},
		{"date", "2026-02-30", `"2026-02-30" is not a`},
		{"uuid", "x", `"x" is not a UUID`},
		{"decimal, precision: 4, scale: 2", "1.234", "1.234 has more than 2 digits behind the point"},
		{"decimal, precision: 4, scale: 2", "100", "100 has more than 2 digits before the point"},
		{"enum, values: [a, b]", "c", `"c" is not one of its values`},
		{"string_map", "{a: 1}", "want text, got the number 1: put it in quotes"},
		{"string_map", "x", `want a mapping of keys to values, got the text "x"`},
		{"native_json", "[1]", "[1] is not a JSON object"},
		{"json", ".inf", "JSON has no number .inf"},
		{"json", "{a: 1, a: 2}", `key "a" is there twice`},
		{"json", "[&x 1, *x]", "anchors and aliases are not supported"},
		{"string, array: true", "a", `default of an array of string: want a list, got the text "a"`},
		{"uint8, array: true", "[1, 256]", "element 1: 256 does not fit into uint8"},
		{"uint8, array: true", "[null]", "an element cannot be null"},
		{"string, nullable: true", "null", "null is not a default: leave it out, a nullable field is NULL then"},
	} {
		t.Run(c.field+" "+c.value, func(t *testing.T) {
			t.Parallel()
			_, err := schemas.Parse("a.yaml", []byte("name: a\nfields:\n- name: y\n  type: "+
				strings.ReplaceAll(c.field, ", ", "\n  ")+"\n  default: "+c.value+"\n"))
			var problem *schemas.Error
			require.ErrorAs(t, err, &problem)
			require.Contains(t, problem.Problem, c.want)
			require.Equal(t, 4+strings.Count(c.field, ", ")+1, problem.Line)
			require.GreaterOrEqual(t, problem.Column, 12)
		})
	}
}

func TestParseReportsEverythingInOrder(t *testing.T) {
	t.Parallel()
	_, err := schemas.Parse("a.yaml", []byte(`name: a
order_by: [nope]
fields:
  - {name: x, type: strin}
  - {name: y, type: uint8, default: 256, nullable: maybe}
---
name: b
fields:
  - {name: x, type: json, array: true, nullable: true}
order_by: [x]
`))
	var lines []string
	for _, line := range strings.Split(err.Error(), "\n") {
		place, _, _ := strings.Cut(line, ": ")
		lines = append(lines, place)
	}
	require.Equal(t, []string{"a.yaml:4:21", "a.yaml:5:37", "a.yaml:5:52", "a.yaml:9:12", "a.yaml:10:12", "a.yaml:10:12"}, lines)

	var first *schemas.Error
	require.True(t, errors.As(err, &first))
	require.Equal(t, "a.yaml", first.Source)
	require.Equal(t, 4, first.Line)
	require.Equal(t, 21, first.Column)
}

func TestParseShowsSomeOfManyProblems(t *testing.T) {
	t.Parallel()
	_, err := schemas.Parse("a.yaml", []byte("name: a\nfields:\n"+strings.Repeat("- {}\n", 20_000)))
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 51)
	require.Equal(t, "a.yaml:3:3: a field needs a name", lines[0])
	require.Equal(t, "a.yaml: there are more problems, which are not shown", lines[50])
}

// FuzzParse checks that nothing makes the reader panic, and that what it accepts is sound.
func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	for _, c := range parseErrors {
		if len(c.text) < 1000 {
			f.Add([]byte(c.text))
		}
	}
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"))
	f.Add([]byte(field("{name: y, type: json, default: {a: [1, {b: -0x7f}]}}")))
	f.Fuzz(func(t *testing.T, data []byte) {
		defs, err := schemas.Parse("f.yaml", data)
		if err != nil {
			require.Empty(t, defs)
			var problem *schemas.Error
			require.ErrorAs(t, err, &problem)
			require.Equal(t, "f.yaml", problem.Source)
			require.LessOrEqual(t, problem.Line, len(data)+1)
			return
		}
		require.NotEmpty(t, defs)
		for _, def := range defs {
			require.NoError(t, def.Schema.Validate())
			_, err := ddl.NewTable(def.Schema, def.Table)
			require.NoError(t, err)
		}
		_, err = schemas.NewRegistry(defs...)
		require.NoError(t, err)
	})
}
