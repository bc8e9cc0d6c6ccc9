package ddl_test

import (
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/ddltest"
	"github.com/factload/factload/fact"
)

// goldenCase is a table whose statement is kept in testdata/create.
type goldenCase struct {
	name    string
	schema  fact.Schema
	options ddl.Options
}

// goldenCases cover every type in every combination, and every option.
func goldenCases() []goldenCase {
	id := fact.Field{Name: "id", Type: fact.String}
	created := fact.Field{Name: "created_at", Type: fact.DateTime64}
	withID := func(name string, fields ...fact.Field) fact.Schema {
		return fact.Schema{Name: name, Fields: append([]fact.Field{id}, fields...), OrderBy: []string{"id"}}
	}
	return []goldenCase{
		{name: "message", schema: ddltest.MessageSchema()},
		{name: "types", schema: typesSchema("types", func(fact.Field) (fact.Field, bool) { return fact.Field{}, false })},
		{name: "types_nullable", schema: typesSchema("types_nullable", nullable)},
		{name: "types_array", schema: typesSchema("types_array", array)},
		{name: "defaults", schema: ddltest.DefaultsSchema()},
		{name: "unsorted", schema: fact.Schema{Name: "unsorted", Fields: []fact.Field{id}}},
		{name: "sorted_by_all", schema: sortedSchema()},
		{name: "comments", schema: withID("comments", fact.Field{Name: "text", Type: fact.String, Comment: "it's a \\ `comment`\nof two lines"}), options: ddl.Options{Comment: "what's 'this'?\n\tüñï"}},
		{name: "partition_ttl", schema: withID("partition_ttl", created), options: ddl.Options{PartitionBy: "toYYYYMM(created_at)", TTL: "created_at + INTERVAL 1 YEAR"}},
		{name: "partition_tuple", schema: withID("partition_tuple", created), options: ddl.Options{PartitionBy: "(toYYYYMM( `created_at` ), cityHash64(id) % 4)"}},
		{name: "retention", schema: withID("retention", created), options: ddl.Options{Retention: ddl.Retention{Field: "created_at", Days: 90}}},
		{name: "ttl_rules", schema: withID("ttl_rules", created), options: ddl.Options{TTL: "toDateTime(created_at) + INTERVAL 30 DAY DELETE WHERE id = 'x', created_at + toIntervalDay(90) RECOMPRESS CODEC(ZSTD(9))"}},
		{name: "primary_key", schema: fact.Schema{Name: "primary_key", Fields: []fact.Field{id, created}, OrderBy: []string{"id", "created_at"}}, options: ddl.Options{PrimaryKey: []string{"id"}}},
		{name: "replacing", schema: withID("replacing", created), options: ddl.Options{Engine: "ReplacingMergeTree(created_at)"}},
		{name: "summing", schema: withID("summing", fact.Field{Name: "n", Type: fact.UInt64}, fact.Field{Name: "m", Type: fact.UInt64}), options: ddl.Options{Engine: "SummingMergeTree((n, m))"}},
		{name: "settings", schema: withID("settings"), options: ddl.Options{Settings: map[string]string{
			"index_granularity": "4096", "storage_policy": "default", "min_bytes_for_wide_part": "0", "non_replicated_deduplication_window": "0",
			"ratio_of_defaults_for_sparse_serialization": "0.5", "enable_block_number_column": "true",
		}}},
		{name: "columns", schema: withID("columns", created, fact.Field{Name: "body", Type: fact.String}, fact.Field{Name: "plain", Type: fact.String}, fact.Field{Name: "n", Type: fact.UInt64}), options: ddl.Options{Columns: map[string]ddl.ColumnOptions{
			"body": {Codec: "ZSTD(9)", TTL: "created_at + INTERVAL 30 DAY"}, "plain": {Codec: "Default"}, "n": {Codec: "T64, LZ4HC(9)"}, "created_at": {Codec: "DoubleDelta, ZSTD(1)"},
		}}},
		{name: "indexes", schema: withID("indexes", fact.Field{Name: "body", Type: fact.String}, fact.Field{Name: "a b", Type: fact.UInt32}), options: ddl.Options{Indexes: []ddl.Index{
			{Name: "by_id", Expr: "id", Type: "bloom_filter(0.01)", Granularity: 4},
			{Name: "by body", Expr: "lower(body)", Type: "ngrambf_v1(3, 256, 2, 0)", Granularity: 1},
			{Name: "by_token", Expr: "body", Type: "tokenbf_v1(512, 3, 0)"},
			{Name: "by_text", Expr: "body", Type: "text(tokenizer = 'splitByNonAlpha')"},
			{Name: "by_number", Expr: "`a b`", Type: "minmax"},
			{Name: "by_set", Expr: "(`a b`, id)", Type: "set(100)", Granularity: 2},
		}}},
		{name: "projections", schema: withID("projections", fact.Field{Name: "role", Type: fact.LowCardinalityString}, fact.Field{Name: "a b", Type: fact.UInt32}), options: ddl.Options{Projections: []ddl.Projection{
			{Name: "by number", Select: "select `a b`, id\norder by `a b`\n"},
			{Name: "roles", Select: "SELECT role, count() AS n, sum(`a b`) GROUP BY role"},
		}}},
		{name: "identifiers", schema: identifiersSchema()},
	}
}

func nullable(f fact.Field) (fact.Field, bool) { f.Nullable = true; return f, true }
func array(f fact.Field) (fact.Field, bool)    { f.Array = true; return f, true }

// typesSchema has a field of every type, as variant makes it, as far as that is
// valid. Without a variant the fields are plain.
func typesSchema(name string, variant func(fact.Field) (fact.Field, bool)) fact.Schema {
	s := fact.Schema{Name: name}
	for _, ft := range fact.FieldTypes() {
		f := ddltest.BaseField(ft)
		if v, ok := variant(f); ok {
			f = v
		}
		if (fact.Schema{Name: name, Fields: []fact.Field{f}}).Validate() == nil {
			s.Fields = append(s.Fields, f)
		}
	}
	return s
}

// sortedSchema sorts by a field of every type that has an order.
func sortedSchema() fact.Schema {
	s := fact.Schema{Name: "sorted_by_all"}
	for _, ft := range fact.FieldTypes() {
		one := fact.Schema{Name: "x", Fields: []fact.Field{ddltest.BaseField(ft)}, OrderBy: []string{ft.String()}}
		if one.Validate() == nil {
			s.Fields = append(s.Fields, one.Fields...)
			s.OrderBy = append(s.OrderBy, one.OrderBy...)
		}
	}
	return s
}

func identifiersSchema() fact.Schema {
	s := fact.Schema{Name: "it's a `table`"}
	for _, name := range []string{"select", "a b", "a`b", `a\b`, "a'b", `a"b`, "a\nb", "ünï", "тест", "TTL", "SETTINGS"} {
		s.Fields = append(s.Fields, fact.Field{Name: name, Type: fact.String})
		s.OrderBy = append(s.OrderBy, name)
	}
	return s
}

// parsedCases are tables that one server alone cannot create, since they need
// Keeper or a cluster. The engine judges whether they parse.
func parsedCases() []goldenCase {
	s := fact.Schema{Name: "events", Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "at", Type: fact.DateTime64}}, OrderBy: []string{"id"}}
	return []goldenCase{
		{name: "replicated", schema: s, options: ddl.Options{Engine: "ReplicatedMergeTree"}},
		{name: "replicated_path", schema: s, options: ddl.Options{Engine: "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/events', '{replica}', at)", Settings: map[string]string{"replicated_deduplication_window": "500"}}},
		{name: "cluster", schema: s, options: ddl.Options{Cluster: "it's `main`", Engine: "ReplicatedMergeTree"}},
		{name: "distributed", schema: s, options: ddl.Options{Cluster: "it's `main`", Distributed: true, ShardingKey: "cityHash64(id)", Comment: "spread"}},
		{name: "distributed_replicated", schema: s, options: ddl.Options{Cluster: "main", Replicated: true, Engine: "ReplacingMergeTree(at)", Distributed: true, ShardingKey: "cityHash64(id, at)"}},
	}
}
