package ddl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Outline returns the statements that a person would run by hand while nobody
// inserts. The rebuild itself goes part by part, with checks between the steps.
func (r *Rebuild) Outline() []string {
	fresh := r.other(RebuildName(r.On.Name))
	target := r.To
	target.Name = fresh.Name
	insert := fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s\nFROM %s", tableSQL(fresh), r.columnList(), strings.Join(r.values(), ", "), tableSQL(r.On)) +
		r.nativeJSONSettings("\nSETTINGS")
	return []string{
		CreateSQL(target),
		insert,
		"EXCHANGE TABLES " + tableSQL(r.On) + " AND " + tableSQL(fresh),
		RenameTableSQL(fresh, r.other(BeforeName(r.On.Name, "YYYYMMDD"))),
	}
}

func (r *Rebuild) finishSQL(other string) string {
	reset := alterSQL(r.On, []string{"RESET SETTING " + strings.Join(slices.Sorted(maps.Keys(copySettings)), ", ")})
	if other == "" {
		return reset
	}
	return RenameTableSQL(r.other(other), r.other(BeforeName(r.On.Name, "YYYYMMDD"))) + ";\n" + reset
}

// other returns the name of another table beside the rebuilt one.
func (r *Rebuild) other(name string) TableName {
	return TableName{Database: r.On.Database, Name: name}
}

// CreateSQL returns the statement that creates the new table of a rebuild, with
// a UUID that the caller has chosen, if there is no table of that name.
func (r *Rebuild) CreateSQL(name, uuid string) string {
	t := r.To
	t.Name, t.Cluster = name, ""
	t.Settings = maps.Clone(r.To.Settings)
	if t.Settings == nil {
		t.Settings = make(map[string]string)
	}
	maps.Copy(t.Settings, copySettings)
	if r.MergesChangeRows() {
		maps.Copy(t.Settings, frozenSettings)
	}
	head := "CREATE TABLE IF NOT EXISTS " + tableSQL(t.TableName())
	return head + " UUID " + QuoteString(uuid) + strings.TrimPrefix(CreateSQL(t), head)
}

// MergesChangeRows reports whether a merge of the new table may change what is
// stored, so that nothing can be compared after one, and the order of blocks may
// matter.
func (r *Rebuild) MergesChangeRows() bool {
	e, err := parseEngine(r.To.Engine)
	if err != nil || e.family != "" || r.To.TTL != "" {
		return true
	}
	return slices.ContainsFunc(r.To.Columns, func(c Column) bool { return c.TTL != "" })
}

func (r *Rebuild) columnList() string {
	names := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		names[i] = QuoteIdent(c.Name)
	}
	return strings.Join(names, ", ")
}

func (r *Rebuild) values() []string {
	out := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		out[i] = convertSQL(QuoteIdent(c.Name), c.From, c.To)
	}
	return out
}

// CopySQL returns the statement that copies pieces. It stores the same blocks
// under the same tokens whenever it is run, if the pieces are one, or make one
// block: less than a million rows and 256 MiB. Settings are further settings of
// the statement.
func (r *Rebuild) CopySQL(from, into string, pieces []Piece, token string, settings map[string]string) string {
	all := map[string]string{
		"async_insert":                      "0",
		"insert_allow_materialized_columns": "1",
		"insert_deduplicate":                "1",
		"max_insert_threads":                "1",
		"max_partitions_per_insert_block":   "0",
		"min_insert_block_size_bytes":       "268435456",
		"min_insert_block_size_rows":        "1048576",
		"optimize_on_insert":                "0",
		"preferred_block_size_bytes":        "1000000",
		"max_block_size":                    "65409",
	}
	maps.Copy(all, plainRead)
	if r.makesNativeJSON() {
		maps.Copy(all, NativeJSONSettings())
	}
	maps.Copy(all, settings)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s SETTINGS insert_deduplication_token = %s,%s", tableSQL(r.other(into)), r.columnList(),
		strings.Join(r.values(), ", "), tableSQL(r.other(from)), piecesSQL(pieces), QuoteString(token), settingsLine(all))
}

// plainRead makes a query see the rows as they are stored, in their order.
var plainRead = map[string]string{
	"apply_mutations_on_fly": "0",
	"final":                  "0",
	"max_execution_time":     "0",
	"max_threads":            "1",
}

// piecesSQL returns the condition for the rows of the pieces.
func piecesSQL(pieces []Piece) string {
	var whole, all []string
	for _, p := range pieces {
		if p.From == 0 && p.To == 0 {
			whole = append(whole, QuoteString(p.Part))
			continue
		}
		all = append(all, fmt.Sprintf("_part = %s AND _part_offset >= %d AND _part_offset < %d", QuoteString(p.Part), p.From, p.To))
	}
	if len(whole) > 0 {
		all = append(all, "_part IN ("+strings.Join(whole, ", ")+")")
	}
	return strings.Join(all, "\n    OR ")
}

// SourceSumSQL returns the query for the number of rows of pieces of the old
// table, and for the sum and the xor of their checksums as they have to be in
// the new one. There is a row for each part that has any; no two of the pieces
// may be of one part.
func (r *Rebuild) SourceSumSQL(from string, pieces []Piece) string {
	return sumSQL(r.values(), r.other(from), piecesSQL(pieces)) + "\nGROUP BY _factload_part" + plainSettings + r.nativeJSONSettings(",")
}

// TargetSumSQL returns the query for the same of the parts of the new table whose
// blocks are between first and last.
func (r *Rebuild) TargetSumSQL(table string, first, last uint64) string {
	columns := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		columns[i] = QuoteIdent(c.Name)
	}
	return sumSQL(columns, r.other(table), fmt.Sprintf("_part IN (SELECT name FROM system.parts\n"+
		"WHERE active AND database = %s AND table = %s AND min_block_number >= %d AND max_block_number <= %d)",
		QuoteString(r.On.Database), QuoteString(table), first, last)) + "\nGROUP BY _factload_part" + plainSettings
}

func sumSQL(values []string, table TableName, where string) string {
	return fmt.Sprintf("SELECT _factload_part AS part, count() AS rows, sum(_factload_hash) AS sum, groupBitXor(_factload_hash) AS xor\n"+
		"FROM (SELECT _part AS _factload_part, cityHash64(tuple(%s)) AS _factload_hash FROM %s WHERE %s)",
		strings.Join(values, ", "), tableSQL(table), where)
}

// plainSettings make a query see the rows as they are stored, for as long as it
// takes.
const plainSettings = "\nSETTINGS apply_mutations_on_fly = 0, final = 0, max_execution_time = 0"

// FreezeSQL returns the statement that lets no part of a table be merged any
// more.
func FreezeSQL(t TableName) string {
	return alterSQL(t, []string{"MODIFY SETTING" + settingsLine(frozenSettings)})
}

// FenceSQL returns the statement that makes a table refuse every insert, with a
// code that asks to try again.
func FenceSQL(t TableName) string {
	return alterSQL(t, []string{"MODIFY SETTING" + settingsLine(fenceSetting)})
}

// FencedPattern matches the engine clause of a table that [FenceSQL] has been
// applied to.
const FencedPattern = `\bmax_parts_in_total = 0\b`

// UnfenceSQL returns the statements that let the old table of a rebuild take
// inserts again. Settings are those that it had before.
func UnfenceSQL(t TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, fenceSetting)
}

// ThawSQL returns the statements that give the old table of a rebuild, which is
// given up, all settings back that it had before.
func ThawSQL(t TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, frozenSettings, fenceSetting)
}

// SettleSQL returns the statements that give the new table of a rebuild the
// settings that it shall have.
func SettleSQL(t TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, frozenSettings, fenceSetting, copySettings)
}

// restoreSQL takes settings of a rebuild away and puts others in their place.
func restoreSQL(t TableName, settings map[string]string, own ...map[string]string) []string {
	set, reset := make(map[string]string), make(map[string]string)
	for _, names := range own {
		for name := range names {
			if value, ok := settings[name]; ok {
				set[name] = value
			} else {
				reset[name] = ""
			}
		}
	}
	var out []string
	if len(set) > 0 {
		out = append(out, alterSQL(t, []string{"MODIFY SETTING" + settingsLine(set)}))
	}
	if len(reset) > 0 {
		out = append(out, alterSQL(t, []string{"RESET SETTING " + strings.Join(slices.Sorted(maps.Keys(reset)), ", ")}))
	}
	return out
}

func settingsLine(settings map[string]string) string {
	parts := make([]string, 0, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		parts = append(parts, settingSQL(name, settings[name]))
	}
	return " " + strings.Join(parts, ", ")
}

// RenameTableSQL returns the statement that gives a table another name. It
// fails when the other name is taken.
func RenameTableSQL(from, to TableName) string {
	return "RENAME TABLE " + tableSQL(from) + " TO " + tableSQL(to)
}

// ExchangeSQL returns the statement that lets two tables change their names in
// one step.
func ExchangeSQL(a, b TableName) string {
	return "EXCHANGE TABLES " + tableSQL(a) + " AND " + tableSQL(b)
}

// DropCopySQL returns the statement that drops a table into which a rebuild has
// copied rows, however large it is.
func DropCopySQL(t TableName) string {
	return "DROP TABLE IF EXISTS " + tableSQL(t) + " SYNC SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0"
}

// CreateLedgerSQL returns the statement that creates the table in which rebuilds
// keep their record, if it does not exist.
func CreateLedgerSQL(database string) string {
	return CreateSQL(Table{
		Database: database, Name: RebuildLedger, Engine: DefaultEngine,
		OrderBy: quoteAll([]string{"table_name", "old", "new", "event", "part"}),
		Columns: []Column{
			{Name: "at", Type: "DateTime64(3, 'UTC')", Default: "now64(3)", Comment: "when"},
			{Name: "table_name", Type: "String", Comment: "the table that is rebuilt"},
			{Name: "old", Type: "UUID", Comment: "of the table as it was"},
			{Name: "new", Type: "UUID", Comment: "of the new table"},
			{Name: "event", Type: "LowCardinality(String)", Comment: "begin, batch, piece, verified or done"},
			{Name: "part", Type: "String", Comment: "of a piece: the part of the old table"},
			{Name: "first", Type: "UInt64", Comment: "of a piece: its first row; of a batch: its number"},
			{Name: "rows", Type: "UInt64", Comment: "how many rows"},
			{Name: "sum", Type: "UInt64", Comment: "the sum of their checksums"},
			{Name: "xor", Type: "UInt64", Comment: "the xor of their checksums"},
			{Name: "detail", Type: "String", Comment: "of begin: the settings to go back to; of batch: its parts; of verified: the last block"},
		},
		Settings: map[string]string{"non_replicated_deduplication_window": fmt.Sprint(DeduplicationWindow)},
		Comment:  "what factload has rebuilt; needed as long as a table of before a rebuild is kept",
	})
}
