package rebuild

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/internal/rebuildsettings"
	"github.com/factload/factload/ddl/internal/sqltext"
)

// Outline returns the statements that a person would run by hand while nobody
// inserts. The rebuild itself goes part by part, with checks between the steps.
func (r *Rebuild) Outline() []string {
	fresh := r.other(NewName(r.On.Name))
	target := r.To
	target.Name = fresh.Name
	insert := fmt.Sprintf("INSERT INTO %s (%s)\nSELECT %s\nFROM %s", ddl.TableSQL(fresh), r.columnList(), strings.Join(r.values(), ", "), ddl.TableSQL(r.On)) +
		r.nativeJSONSettings("\nSETTINGS")
	return []string{
		ddl.CreateSQL(target),
		insert,
		"EXCHANGE TABLES " + ddl.TableSQL(r.On) + " AND " + ddl.TableSQL(fresh),
		RenameTableSQL(fresh, r.other(BeforeName(r.On.Name, "YYYYMMDD"))),
	}
}

// FinishSQL returns the statements that end a rebuild whose tables have been exchanged:
// the old table, if it still has the name other, is renamed.
func (r *Rebuild) FinishSQL(other string) string {
	reset := ddl.AlterSQL(r.On, []string{"RESET SETTING " + strings.Join(slices.Sorted(maps.Keys(rebuildsettings.Copy)), ", ")})
	if other == "" {
		return reset
	}
	return RenameTableSQL(r.other(other), r.other(BeforeName(r.On.Name, "YYYYMMDD"))) + ";\n" + reset
}

// other returns the name of another table beside the rebuilt one.
func (r *Rebuild) other(name string) ddl.TableName {
	return ddl.TableName{Database: r.On.Database, Name: name}
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
	maps.Copy(t.Settings, rebuildsettings.Copy)
	if r.MergesChangeRows() {
		maps.Copy(t.Settings, rebuildsettings.Frozen)
	}
	head := "CREATE TABLE IF NOT EXISTS " + ddl.TableSQL(t.TableName())
	return head + " UUID " + sqltext.QuoteString(uuid) + strings.TrimPrefix(ddl.CreateSQL(t), head)
}

// MergesChangeRows reports whether a merge of the new table may change what is
// stored, so that nothing can be compared after one, and the order of blocks may
// matter.
func (r *Rebuild) MergesChangeRows() bool {
	e, err := sqltext.ParseEngine(r.To.Engine)
	if err != nil || e.Family != "" || r.To.TTL != "" {
		return true
	}
	return slices.ContainsFunc(r.To.Columns, func(c ddl.Column) bool { return c.TTL != "" })
}

func (r *Rebuild) columnList() string {
	names := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		names[i] = sqltext.QuoteIdent(c.Name)
	}
	return strings.Join(names, ", ")
}

func (r *Rebuild) values() []string {
	out := make([]string, len(r.Copies))
	for i, c := range r.Copies {
		out[i] = convertSQL(sqltext.QuoteIdent(c.Name), c.From, c.To)
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
		maps.Copy(all, ddl.NativeJSONSettings())
	}
	maps.Copy(all, settings)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s SETTINGS insert_deduplication_token = %s,%s", ddl.TableSQL(r.other(into)), r.columnList(),
		strings.Join(r.values(), ", "), ddl.TableSQL(r.other(from)), piecesSQL(pieces), sqltext.QuoteString(token), sqltext.SettingsLine(all))
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
			whole = append(whole, sqltext.QuoteString(p.Part))
			continue
		}
		all = append(all, fmt.Sprintf("_part = %s AND _part_offset >= %d AND _part_offset < %d", sqltext.QuoteString(p.Part), p.From, p.To))
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
		columns[i] = sqltext.QuoteIdent(c.Name)
	}
	return sumSQL(columns, r.other(table), fmt.Sprintf("_part IN (SELECT name FROM system.parts\n"+
		"WHERE active AND database = %s AND table = %s AND min_block_number >= %d AND max_block_number <= %d)",
		sqltext.QuoteString(r.On.Database), sqltext.QuoteString(table), first, last)) + "\nGROUP BY _factload_part" + plainSettings
}

func sumSQL(values []string, table ddl.TableName, where string) string {
	return fmt.Sprintf("SELECT _factload_part AS part, count() AS rows, sum(_factload_hash) AS sum, groupBitXor(_factload_hash) AS xor\n"+
		"FROM (SELECT _part AS _factload_part, cityHash64(tuple(%s)) AS _factload_hash FROM %s WHERE %s)",
		strings.Join(values, ", "), ddl.TableSQL(table), where)
}

// plainSettings make a query see the rows as they are stored, for as long as it
// takes.
const plainSettings = "\nSETTINGS apply_mutations_on_fly = 0, final = 0, max_execution_time = 0"

// FreezeSQL returns the statement that lets no part of a table be merged any
// more.
func FreezeSQL(t ddl.TableName) string {
	return ddl.AlterSQL(t, []string{"MODIFY SETTING" + sqltext.SettingsLine(rebuildsettings.Frozen)})
}

// FenceSQL returns the statement that makes a table refuse every insert, with a
// code that asks to try again.
func FenceSQL(t ddl.TableName) string {
	return ddl.AlterSQL(t, []string{"MODIFY SETTING" + sqltext.SettingsLine(rebuildsettings.Fence)})
}

// FencedPattern matches the engine clause of a table that [FenceSQL] has been
// applied to.
const FencedPattern = `\bmax_parts_in_total = 0\b`

// UnfenceSQL returns the statements that let the old table of a rebuild take
// inserts again. Settings are those that it had before.
func UnfenceSQL(t ddl.TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, rebuildsettings.Fence)
}

// ThawSQL returns the statements that give the old table of a rebuild, which is
// given up, all settings back that it had before.
func ThawSQL(t ddl.TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, rebuildsettings.Frozen, rebuildsettings.Fence)
}

// SettleSQL returns the statements that give the new table of a rebuild the
// settings that it shall have.
func SettleSQL(t ddl.TableName, settings map[string]string) []string {
	return restoreSQL(t, settings, rebuildsettings.Frozen, rebuildsettings.Fence, rebuildsettings.Copy)
}

// restoreSQL takes settings of a rebuild away and puts others in their place.
func restoreSQL(t ddl.TableName, settings map[string]string, own ...map[string]string) []string {
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
		out = append(out, ddl.AlterSQL(t, []string{"MODIFY SETTING" + sqltext.SettingsLine(set)}))
	}
	if len(reset) > 0 {
		out = append(out, ddl.AlterSQL(t, []string{"RESET SETTING " + strings.Join(slices.Sorted(maps.Keys(reset)), ", ")}))
	}
	return out
}

// RenameTableSQL returns the statement that gives a table another name. It
// fails when the other name is taken.
func RenameTableSQL(from, to ddl.TableName) string {
	return "RENAME TABLE " + ddl.TableSQL(from) + " TO " + ddl.TableSQL(to)
}

// ExchangeSQL returns the statement that lets two tables change their names in
// one step.
func ExchangeSQL(a, b ddl.TableName) string {
	return "EXCHANGE TABLES " + ddl.TableSQL(a) + " AND " + ddl.TableSQL(b)
}

// DropCopySQL returns the statement that drops a table into which a rebuild has
// copied rows, however large it is.
func DropCopySQL(t ddl.TableName) string {
	return "DROP TABLE IF EXISTS " + ddl.TableSQL(t) + " SYNC SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0"
}

// CreateLedgerSQL returns the statement that creates the table in which rebuilds
// keep their record, if it does not exist.
func CreateLedgerSQL(database string) string {
	return ddl.CreateSQL(ddl.Table{
		Database: database, Name: Ledger, Engine: ddl.DefaultEngine,
		OrderBy: sqltext.QuoteAll([]string{"table_name", "old", "new", "event", "part"}),
		Columns: []ddl.Column{
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
		Settings: map[string]string{"non_replicated_deduplication_window": fmt.Sprint(ddl.DeduplicationWindow)},
		Comment:  "what factload has rebuilt; needed as long as a table of before a rebuild is kept",
	})
}

// makesNativeJSON reports whether a column of the rebuild has to be parsed to hold
// the values of another type.
func (r *Rebuild) makesNativeJSON() bool {
	return slices.ContainsFunc(r.Copies, func(c ColumnCopy) bool { return c.From != c.To && strings.HasPrefix(c.To, "JSON") })
}

// nativeJSONSettings returns the settings for a statement of the rebuild that
// converts its values, behind a word, or nothing if it needs none.
func (r *Rebuild) nativeJSONSettings(word string) string {
	if !r.makesNativeJSON() {
		return ""
	}
	return word + sqltext.SettingsLine(ddl.NativeJSONSettings())
}
