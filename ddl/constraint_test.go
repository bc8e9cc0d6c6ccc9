package ddl

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConstraints(t *testing.T) {
	t.Parallel()
	got, err := Constraints("CREATE TABLE db.t (`id` UInt32 COMMENT 'CONSTRAINT x CHECK 1', `a b` String, INDEX i id TYPE minmax GRANULARITY 1, " +
		"CONSTRAINT odd CHECK (id % 2) = 1, CONSTRAINT `q,)` CHECK position(`a b`, '),''') > length(`a b`), CONSTRAINT seen ASSUME id > 0) ENGINE = MergeTree ORDER BY id")
	require.NoError(t, err)
	require.Equal(t, []Constraint{
		{Name: "odd", Expr: "(id % 2) = 1", Names: []string{"id"}},
		{Name: "q,)", Expr: "position(`a b`, '),''') > length(`a b`)", Names: []string{"position", "a b", "length"}},
	}, got)
	got, err = Constraints("CREATE TABLE t (`id` UInt32) ENGINE = Log")
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = Constraints("CREATE TABLE t (`id")
	require.Error(t, err)
}
