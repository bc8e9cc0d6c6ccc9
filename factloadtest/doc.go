// Package factloadtest lets the tests of a service run against a real ClickHouse.
//
//	func TestRecorder(t *testing.T) {
//		db := factloadtest.Database(t, answerSchema)
//		recorder := NewRecorder(db.DSN)
//		...
//		for answer, err := range clickhouse.Select[Answer](t.Context(), db.Client, answerSchema, "") {
//			...
//		}
//	}
//
// The tests of a binary share an engine: that of factload engine install, started
// when the first test asks for a database and ended after the last one, or the server
// that the environment names by FACTLOAD_TEST_DSN and FACTLOAD_TEST_HTTP_DSN, its
// DSN for the native and for the HTTP protocol. The user must be able to create
// databases there.
//
// A package whose tests ask for databases again and again saves the starts in between
// by
//
//	func TestMain(m *testing.M) { factloadtest.Main(m) }
//
// Where there is no engine, tests are skipped and say so. Set
// FACTLOAD_TEST_REQUIRED=1 where that must not happen, such as in continuous
// integration: then they fail.
package factloadtest
