package ddl

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWidens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		column, value string
		want          bool
	}{
		{"DateTime64(6, 'UTC')", "DateTime64(3, 'UTC')", true},
		{"Nullable(DateTime64(6, 'UTC'))", "Nullable(DateTime64(3, 'UTC'))", true},
		{"Array(DateTime64(6, 'UTC'))", "Array(DateTime64(3, 'UTC'))", true},
		{"DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')", false},
		{"DateTime64(9, 'UTC')", "DateTime64(3, 'UTC')", false}, // it ends in 2262
		{"Int64", "Int32", true},
		{"Int32", "Int64", false},
		{"Int32", "Int32", false},
		{"Nullable(String)", "String", true},
		{"String", "Nullable(String)", false},
	} {
		require.Equal(t, c.want, Widens(c.column, c.value), c)
	}
}
