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
// A test binary has one engine, an embedded one with its data in a temporary directory. It is started when the first
// test asks for a database, and ended after the last test. FACTLOAD_TEST_DSN and FACTLOAD_TEST_HTTP_DSN name a server
// that runs already to take instead, by its DSN for the native and for the HTTP protocol; the user must be able to
// create databases.
//
// A test never skips for want of an engine: it fails, and says what is missing.
// Package factloadtest, for the tests of others, skips.
package enginetest
