package insert

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// TestMarkThatIsGone: a column is one of JSON no more, and the last look at its table is not old
// enough to look again. Text is refused for what the column is, not for what it was.
func TestMarkThatIsGone(t *testing.T) {
	t.Parallel()
	schema := func(typ fact.FieldType) fact.Schema {
		return fact.Schema{Name: "marked", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.String}, {Name: "doc", Type: typ}}}
	}
	db := enginetest.Database(t)
	c := open(t, db.DSN)
	c.generations.fresh = time.Hour
	ensure(t, c, schema(fact.JSON), ddl.Options{})
	text := Insert{Table: "marked", Block: chtest.BlockOf(t, chtest.Compile(t, schema(fact.String)), `{"id":"a","doc":"plain"}`)}
	require.ErrorIs(t, c.Insert(t.Context(), text), chconn.ErrSchema)
	found, err := c.Violations(t.Context(), text)
	require.NoError(t, err)
	require.Len(t, found, 1)

	db.Exec(t, "ALTER TABLE marked MODIFY COLUMN doc COMMENT ''")
	found, err = c.Violations(t.Context(), text)
	require.NoError(t, err)
	require.Empty(t, found)
	require.NoError(t, c.Insert(t.Context(), text))
	require.Equal(t, "a\tplain", db.Query(t, "SELECT id, doc FROM marked"))
}
