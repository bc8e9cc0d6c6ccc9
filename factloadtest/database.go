package factloadtest

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// RequiredEnv is the environment variable that, if it is not empty, makes tests fail
// where there is no engine.
const RequiredEnv = "FACTLOAD_TEST_REQUIRED"

// DB is a database that belongs to one test.
type DB struct {
	// DSN and HTTPDSN are for the native and for the HTTP protocol:
	// clickhouse://user:password@host:port/name and http://user:password@host:port/name.
	DSN, HTTPDSN string
	// Client is connected with the database, and is closed after the test.
	Client *clickhouse.Client
}

// Main runs the tests of a package with one engine for all of them, and exits. Call it
// from TestMain. It is not needed.
func Main(m *testing.M) { enginetest.Main(m) }

// Database creates a database with a random name, which has the tables of the
// schemas, and drops it after the test. The test is skipped where there is no engine,
// and fails at once where one does not start.
func Database(t testing.TB, schemas ...fact.Schema) *DB {
	t.Helper()
	db, drop, err := enginetest.Create(t.Context())
	switch {
	case err != nil && hasNone(err) && os.Getenv(RequiredEnv) == "":
		t.Skipf("factloadtest: SKIPPED, not tested: %v", err)
	case err != nil:
		t.Fatalf("factloadtest: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("factloadtest: %v", err)
		}
	})
	client, err := clickhouse.Open(db.DSN)
	if err != nil {
		t.Fatalf("factloadtest: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() }) // what the test has used it for is over
	if err := createTables(t.Context(), client, schemas); err != nil {
		t.Fatalf("factloadtest: %v", err)
	}
	return &DB{DSN: db.DSN, HTTPDSN: db.HTTPDSN, Client: client}
}

func createTables(ctx context.Context, client *clickhouse.Client, schemas []fact.Schema) error {
	m, err := clickhouse.New(clickhouse.Config{Client: client})
	if err != nil {
		return err
	}
	return errors.Join(m.EnsureSchema(ctx, schemas...), m.Close(ctx))
}

// hasNone reports whether the error says that this machine has no engine.
func hasNone(err error) bool {
	if missing, ok := errors.AsType[*embedded.LibraryNotFoundError](err); ok {
		return len(missing.Looked) > 1 // none was named
	}
	return errors.Is(err, embedded.ErrUnsupported)
}
