package chtest

import (
	"testing"

	"github.com/factload/factload/internal/enginetest"
)

// EachProtocol runs a test over the native protocol and over HTTP, each in a
// database of its own.
func EachProtocol(t *testing.T, test func(t *testing.T, db *enginetest.DB, dsn string)) {
	t.Helper()
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			db := enginetest.Database(t)
			dsn := db.DSN
			if protocol == "http" {
				dsn = db.HTTPDSN
			}
			test(t, db, dsn)
		})
	}
}
