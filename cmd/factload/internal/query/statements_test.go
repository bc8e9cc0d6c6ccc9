package query

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplitStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql      string
		want     []string
		finished bool
	}{
		{"SELECT 1", []string{"SELECT 1"}, false},
		{"SELECT 1;", []string{"SELECT 1"}, true},
		{" SELECT 1 ;\n; SELECT 2", []string{"SELECT 1", "SELECT 2"}, false},
		{`SELECT ';', 'it''s;', 'a\';', "b;", ` + "`c;`" + `; SELECT 2;`, []string{`SELECT ';', 'it''s;', 'a\';', "b;", ` + "`c;`", "SELECT 2"}, true},
		{"-- a; b\nSELECT 1 /* ; */ -- ;\n;", []string{"-- a; b\nSELECT 1 /* ; */ -- ;"}, true},
		{"SELECT 1; -- done", []string{"SELECT 1"}, true},
		{"SELECT 'open;", []string{"SELECT 'open;"}, false},
		{"SELECT 1 /* open;", []string{"SELECT 1 /* open;"}, false},
		{" ;; -- nothing\n", nil, true},
	} {
		got, finished := splitStatements(c.sql)
		require.Equal(t, c.want, got, c.sql)
		require.Equal(t, c.finished, finished, c.sql)
	}
}
