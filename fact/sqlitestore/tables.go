package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/factload/factload/fact/internal/sqlstore"
)

// What the file says of itself: "fact" in ASCII, and the version of its tables.
const (
	applicationID = 0x66616374
	formatVersion = 1
)

// tables is the format of the file. Texts of times are RFC 3339, and data and
// metadata are JSON as it was given.
const tables = `
CREATE TABLE log (position INTEGER NOT NULL); -- one row: the last position ever
INSERT INTO log VALUES (0);
CREATE TABLE streams (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	category TEXT NOT NULL,
	last INTEGER NOT NULL, -- sequence ever
	events INTEGER NOT NULL, -- that are not erased
	snapshot_at INTEGER NOT NULL DEFAULT 0,
	snapshot TEXT NOT NULL DEFAULT ''
);
CREATE TABLE events (
	position INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	data TEXT NOT NULL,
	metadata TEXT NOT NULL,
	occurred_at TEXT NOT NULL,
	checksum INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_by_sequence ON events (stream, sequence);
CREATE INDEX events_by_id ON events (stream, id);
CREATE TABLE consumers (
	name TEXT PRIMARY KEY,
	position INTEGER NOT NULL,
	owner TEXT NOT NULL,
	until INTEGER NOT NULL
);
`

var dialect = sqlstore.Dialect{
	Name:    "SQLite store",
	LockLog: "SELECT position FROM log",
	OneOf: func(column, parameter string, texts []string) (string, any) {
		list, _ := json.Marshal(texts) // texts can be encoded
		return column + " IN (SELECT value FROM json_each(" + parameter + "))", string(list)
	},
	Insert:  insert,
	Millis:  "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
	Explain: explain,
}

func insert(ctx context.Context, tx *sql.Tx, rows []sqlstore.Row) (err error) {
	statement, err := tx.PrepareContext(ctx, "INSERT INTO events ("+sqlstore.Columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)") //nolint:gosec // constants
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for i := range rows {
		values, err := rows[i].Values()
		if err != nil {
			return err
		}
		if _, err := statement.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

// createTables makes the tables of a new file.
func createTables(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	var objects int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&objects); err != nil {
		return err
	}
	if objects > 0 {
		return nil // checkFormat looks at what it is
	}
	_, err = tx.ExecContext(ctx, tables+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, formatVersion))
	if err != nil {
		return err
	}
	return tx.Commit()
}

// checkFormat refuses files that are something else.
func checkFormat(ctx context.Context, db *sql.DB) error {
	var application, version int
	err := db.QueryRowContext(ctx, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version").Scan(&application, &version)
	switch {
	case err != nil:
		return err
	case application != applicationID:
		return errors.New("it is a SQLite database, but not an event store")
	case version != formatVersion:
		return fmt.Errorf("its format is version %d, this program knows version %d: use the program of that version", version, formatVersion)
	}
	return nil
}
