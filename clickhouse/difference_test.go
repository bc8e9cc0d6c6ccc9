package clickhouse

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// diffSchema is the schema that the tables of differences are not quite of.
var diffSchema = fact.Schema{Name: "t", OrderBy: []string{"id"}, Fields: []fact.Field{
	{Name: "id", Type: fact.String, FactID: true}, {Name: "n", Type: fact.Int32}, {Name: "e", Type: fact.Enum, Values: []string{"a", "b"}}, {Name: "s", Type: fact.String},
}}

const diffColumns = "id String, n Int32, e Enum8('a' = 1, 'b' = 2), s String"

// differences are ways in which a table is not as its program's schema says, and
// whether its columns hold the program's rows all the same.
var differences = []struct {
	name, create string
	holds        bool
}{
	{"sorting key", "(" + diffColumns + ") ENGINE = MergeTree ORDER BY (n, id)", true},
	{"TTL", "(" + diffColumns + ", at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY id TTL at + INTERVAL 1 YEAR", true},
	{"comments", "(" + diffColumns + " COMMENT 'theirs') ENGINE = MergeTree ORDER BY id COMMENT 'theirs'", true},
	{"partition key", "(" + diffColumns + ") ENGINE = MergeTree PARTITION BY e ORDER BY id", true},
	{"engine", "(" + diffColumns + ") ENGINE = ReplacingMergeTree ORDER BY id", true},
	{"settings", "(" + diffColumns + ") ENGINE = MergeTree ORDER BY id SETTINGS index_granularity = 1024", true},
	{"extra column", "(" + diffColumns + ", more String DEFAULT 'x') ENGINE = MergeTree ORDER BY (id, more)", true},
	{"wider number", "(id String, n Int64, e Enum8('a' = 1, 'b' = 2), s String) ENGINE = MergeTree ORDER BY id", true},
	{"wider enum", "(id String, n Int32, e Enum8('a' = 1, 'b' = 2, 'c' = 3), s String) ENGINE = MergeTree ORDER BY (e, id)", true},
	{"nullable column", "(id String, n Int32, e Enum8('a' = 1, 'b' = 2), s Nullable(String)) ENGINE = MergeTree ORDER BY id", true},
	{"narrower number", "(id String, n Int16, e Enum8('a' = 1, 'b' = 2), s String) ENGINE = MergeTree ORDER BY id", false},
	{"another type", "(id String, n Int32, e String, s UInt8) ENGINE = MergeTree ORDER BY id", false},
	{"missing column in another order", "(id String, n Int32, e Enum8('a' = 1, 'b' = 2)) ENGINE = MergeTree ORDER BY (n, id)", false},
}

// A table that differs takes facts exactly when its columns hold them, and
// recording changes nothing about it: in both modes, by replay, and after a start
// with or without EnsureSchema having had a say.
func TestDifferencesAreNoOutage(t *testing.T) {
	t.Parallel()
	chtest.EachProtocol(t, func(t *testing.T, db *enginetest.DB, dsn string) {
		for i, d := range differences {
			table := fmt.Sprintf("t%d", i)
			s := diffSchema
			s.Name = table
			db.Exec(t, "CREATE TABLE "+table+" "+d.create)
			record := materializer(t, Config{DSN: dsn})
			buffered := materializer(t, Config{DSN: dsn, Mode: Buffered})
			err := record.EnsureSchema(t.Context(), s)
			_ = buffered.EnsureSchema(t.Context(), s)
			if err != nil {
				require.ErrorIs(t, err, ErrSchema, d.name)
				require.ErrorAs(t, err, new(*diff.RefusedError), d.name)
			}
			create := db.Query(t, "SHOW CREATE TABLE "+table)
			facts := func(id string) fact.Fact {
				return fact.Fact{Schema: table, ID: id, Data: map[string]any{"n": 70000, "e": "b", "s": "x"}}
			}
			err = record.Materialize(t.Context(), facts("1"))
			_, replayed := record.MaterializeMissing(t.Context(), facts("1"), facts("2"))
			_ = buffered.Materialize(t.Context(), facts("3"))
			flushed := buffered.Flush(t.Context())
			require.Equal(t, create, db.Query(t, "SHOW CREATE TABLE "+table), "%s: recording changes no table", d.name)
			if !d.holds {
				require.ErrorIs(t, err, ErrSchema, d.name)
				require.ErrorIs(t, replayed, ErrSchema, d.name)
				require.Equal(t, "0", db.Query(t, "SELECT count() FROM "+table), d.name)
				continue
			}
			require.NoError(t, errors.Join(err, replayed, flushed), d.name)
			require.Equal(t, "['1','2','3']\t[70000]\t['b']\t['x']", db.Query(t, "SELECT arraySort(groupArray(id)), groupUniqArray(n), groupUniqArray(toString(e)), groupUniqArray(s) FROM "+table+" FORMAT TSV"), d.name)
		}
	})
}
