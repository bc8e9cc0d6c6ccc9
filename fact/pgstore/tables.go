package pgstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/jackc/pgx/v5"

	"github.com/factload/factload/fact/internal/sqlstore"
)

// formatVersion is the version of the tables.
const formatVersion = 1

// tables is the format of the log. Texts compare by their bytes.
const tables = `
CREATE TABLE log (position bigint NOT NULL, format int NOT NULL); -- one row: the last position ever
INSERT INTO log VALUES (0, %d);
CREATE TABLE streams (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	category text COLLATE "C" NOT NULL,
	last bigint NOT NULL, -- sequence ever
	events bigint NOT NULL, -- that are not erased
	snapshot_at bigint NOT NULL DEFAULT 0,
	snapshot text NOT NULL DEFAULT ''
);
CREATE TABLE events (
	position bigint PRIMARY KEY,
	stream bigint NOT NULL,
	sequence bigint NOT NULL,
	id text COLLATE "C" NOT NULL,
	type text COLLATE "C" NOT NULL,
	data text NOT NULL,
	metadata text NOT NULL,
	occurred_at text NOT NULL,
	checksum bigint NOT NULL,
	UNIQUE (stream, sequence)
);
CREATE INDEX events_by_id ON events (stream, id);
-- Or samples of the texts would be in pg_statistic, where nothing erases them.
ALTER TABLE events ALTER id SET STATISTICS 0, ALTER data SET STATISTICS 0, ALTER metadata SET STATISTICS 0;
ALTER TABLE streams ALTER snapshot SET STATISTICS 0;
CREATE TABLE consumers (
	name text COLLATE "C" PRIMARY KEY,
	position bigint NOT NULL,
	owner text NOT NULL,
	until bigint NOT NULL
);
`

var dialect = sqlstore.Dialect{
	Name:    "PostgreSQL store",
	LockLog: "SELECT position FROM log FOR UPDATE",
	OneOf: func(column, parameter string, texts []string) (string, any) {
		return column + " = ANY(" + parameter + "::text[])", texts
	},
	Insert: insert,
	Millis: "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
}

// insert adds the rows with one statement, column by column.
func insert(ctx context.Context, tx *sql.Tx, rows []sqlstore.Row) error {
	numbers := make([][]int64, 4) // position, stream, sequence, checksum
	texts := make([][]string, 5)  // id, type, data, metadata, occurred_at
	for i := range rows {
		values, err := rows[i].Values()
		if err != nil {
			return err
		}
		n, t := 0, 0
		for _, v := range values {
			switch v := v.(type) {
			case int64:
				numbers[n] = append(numbers[n], v)
				n++
			case string:
				texts[t] = append(texts[t], v)
				t++
			}
		}
	}
	_, err := tx.ExecContext(ctx, insertRows,
		numbers[0], numbers[1], numbers[2], texts[0], texts[1], texts[2], texts[3], texts[4], numbers[3])
	return err
}

const insertRows = "INSERT INTO events (" + sqlstore.Columns + `) SELECT * FROM unnest(
	$1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[])`

// channel is where commits to the schema are notified. Its name has to be short.
func channel(schema string) string {
	return fmt.Sprintf("factload_%08x", crc32.ChecksumIEEE([]byte(schema)))
}

// createTables makes the schema and the tables, by one process at a time.
func createTables(ctx context.Context, db *sql.DB, schema string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(crc32.ChecksumIEEE([]byte(channel(schema))))); err != nil {
		return err
	}
	var there bool
	if err := tx.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", pgx.Identifier{schema, "log"}.Sanitize()).Scan(&there); err != nil {
		return err
	}
	if there {
		return checkFormat(ctx, tx)
	}
	for _, statement := range []string{
		"CREATE SCHEMA IF NOT EXISTS " + pgx.Identifier{schema}.Sanitize(),
		fmt.Sprintf(tables, formatVersion),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// checkFormat refuses tables of another version.
func checkFormat(ctx context.Context, tx *sql.Tx) error {
	var version int
	err := tx.QueryRowContext(ctx, "SELECT format FROM log").Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return errors.New("its table log is empty: it is not an event store, or has been damaged")
	case err != nil:
		return err
	case version != formatVersion:
		return fmt.Errorf("its format is version %d, this program knows version %d: use the program of that version", version, formatVersion)
	}
	return nil
}
