package ddl_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

// TestEscapesAsRead asks the engine what a backslash before each character
// means in a string, and what a doubled quote does.
func TestEscapesAsRead(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	literals := []string{`'it''s'`, `''`, `''''`, `'\x41\x7a\xFf'`}
	for c := byte(1); c <= 0x7f; c++ {
		if c != 'x' { // it needs digits
			literals = append(literals, `'a\`+string(c)+`b'`)
		}
	}
	for _, sql := range literals {
		got, err := ddl.StringValue(sql)
		require.NoError(t, err)
		require.Equal(t, db.Query(t, "SELECT hex("+sql+")"), fmt.Sprintf("%X", got), "%q", sql)
	}
}
