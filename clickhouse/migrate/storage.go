package migrate

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// storageSQL returns a row for each column that is stored, and one without a
// name for the table.
const storageSQL = `SELECT '' AS name, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
UNION ALL
SELECT column, count(), toUInt64(0), sum(column_data_compressed_bytes + column_marks_bytes)
FROM system.parts_columns
WHERE active AND database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}
GROUP BY column`

type storageRow struct {
	Name  string `ch:"name"`
	Parts uint64 `ch:"parts"`
	Rows  uint64 `ch:"rows"`
	Bytes uint64 `ch:"bytes"`
}

// Storage returns how much is stored in a table of the DSN's database. It is
// all zero when there is no such table. The server does not tell the sizes of
// columns in small parts; they count as zero.
func (m *Migrator) Storage(ctx context.Context, table string) (*ddl.Storage, error) {
	return m.storage(ctx, ddl.TableName{Name: table})
}

func (m *Migrator) storage(ctx context.Context, name ddl.TableName) (*ddl.Storage, error) {
	var rows []storageRow
	op := fmt.Sprintf("inspect table %q", name)
	if err := m.client.SelectAs(ctx, op, &rows, storageSQL, chconn.Param("database", name.Database), chconn.Param("table", name.Name)); err != nil {
		return nil, err
	}
	out := &ddl.Storage{Columns: make(map[string]ddl.ColumnStorage, len(rows))}
	for _, r := range rows {
		if r.Name == "" {
			out.Rows, out.Bytes, out.Parts = r.Rows, r.Bytes, r.Parts
			continue
		}
		out.Columns[r.Name] = ddl.ColumnStorage{Parts: r.Parts, Bytes: r.Bytes}
	}
	return out, nil
}
