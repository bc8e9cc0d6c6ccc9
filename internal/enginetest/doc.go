// Package enginetest gives tests a real ClickHouse engine, and a database of their own in it.
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		db := enginetest.Database(t)
//		db.Exec(t, "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x")
//		...
//	}
//
// A test binary has one engine. It is started when the first test asks for a database, and ended after the last test.
// The environment says which engine it is:
//
//   - FACTLOAD_TEST_ENGINE=embedded, or nothing: an embedded engine with its data in a temporary directory.
//   - FACTLOAD_TEST_ENGINE=docker: a container of the image FACTLOAD_TEST_IMAGE (default: DefaultImage). The user,
//     password and database are given by CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and CLICKHOUSE_DB, as the official image
//     wants it; the image of this project understands the same names.
//   - FACTLOAD_TEST_DSN and FACTLOAD_TEST_HTTP_DSN: a server that runs already, by its DSN for the native and for the
//     HTTP protocol. The user must be able to create databases.
//
// A test never skips for want of an engine: it fails, and says what is missing.
package enginetest
