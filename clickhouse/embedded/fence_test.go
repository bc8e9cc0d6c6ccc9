//go:build linux && (amd64 || arm64)

package embedded

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// insideFunctions are the table functions that were looked at and stay inside of the engine. One that is neither here
// nor in outsideFunctions fails the test, until somebody has looked.
var insideFunctions = []string{
	"SQLStandardValues", "dictionary", "eval", "format", "fuzzJSON", "fuzzQuery", "generateRandom", "generateSeries", "generate_series",
	"input", "loop", "merge", "mergeTreeAnalyzeIndexes", "mergeTreeAnalyzeIndexesUUID", "mergeTreeIndex", "mergeTreeProjection",
	"mergeTreeTextIndex", "null", "numbers", "numbers_mt", "primes", "prometheusQuery", "prometheusQueryRange", "timeSeriesData",
	"timeSeriesMetrics", "timeSeriesSamples", "timeSeriesSelector", "timeSeriesTags", "values", "view", "viewExplain",
	"viewIfPermitted", "zeros", "zeros_mt",
}

// outsideFunctions are calls of the table functions that reach out: $URL is an address that listens, $HOST its host
// and port, and $DIR a directory, with a file named secret.
var outsideFunctions = map[string]string{
	"azureBlobStorage":        "azureBlobStorage('$URL', 'c', 'b', 'devstoreaccount1', 'a2V5', 'TSV', 'auto', 's String')",
	"azureBlobStorageCluster": "azureBlobStorageCluster('c', '$URL', 'c', 'b', 'devstoreaccount1', 'a2V5', 'TSV', 'auto', 's String')",
	"cluster":                 "cluster('c', system, one)",
	"clusterAllReplicas":      "clusterAllReplicas('c', system, one)",
	"executable":              "executable('id', 'TSV', 's String')",
	"file":                    "file('$DIR/secret', 'LineAsString', 's String')",
	"fileCluster":             "fileCluster('c', '$DIR/secret', 'TSV', 's String')",
	"filesystem":              "filesystem('$DIR')",
	"hdfs":                    "hdfs('hdfs://$HOST/x', 'TSV', 's String')",
	"hdfsCluster":             "hdfsCluster('c', 'hdfs://$HOST/x', 'TSV', 's String')",
	"jdbc":                    "jdbc('jdbc:mysql://$HOST', 's', 't')",
	"mongodb":                 "mongodb('$HOST', 'd', 'c', 'u', 'p', 's String')",
	"mysql":                   "mysql('$HOST', 'd', 't', 'u', 'p')",
	"odbc":                    "odbc('DSN=x', 's', 't')",
	"postgresql":              "postgresql('$HOST', 'd', 't', 'u', 'p')",
	"redis":                   "redis('$HOST', 'k', 'k String')",
	"remote":                  "remote('$HOST', system, one)",
	"remoteSecure":            "remoteSecure('$HOST', system, one)",
	"sqlite":                  "sqlite('$DIR/s.db', 't')",
	"url":                     "url('$URL', 'TSV', 's String')",
	"urlCluster":              "urlCluster('c', '$URL', 'TSV', 's String')",
	"ytsaurus":                "ytsaurus('$URL', '//x', 't', 's String')",
}

// outsideFamilies are the beginnings of names of table functions that take their arguments like s3, or like a variant.
var outsideFamilies = []string{"s3", "gcs", "cosn", "oss", "deltaLake", "hudi", "iceberg", "paimon"}

// outsideCall returns a call of a function that reaches out, empty for functions that nobody has looked at.
func outsideCall(name string) string {
	if call := outsideFunctions[name]; call != "" {
		return call
	}
	if !slices.ContainsFunc(outsideFamilies, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		return ""
	}
	args := "'$URL/bucket/key', 'a', 'b', 'TSV', 's String'"
	switch {
	case strings.Contains(name, "Local"):
		args = "'$DIR', 'TSV', 's String'"
	case strings.Contains(name, "Azure"):
		args = "'$URL', 'c', 'b', 'devstoreaccount1', 'a2V5', 'TSV', 'auto', 's String'"
	case strings.Contains(name, "HDFS"):
		args = "'hdfs://$HOST/x', 'TSV', 's String'"
	}
	if strings.HasSuffix(name, "Cluster") {
		args = "'c', " + args
	}
	return name + "(" + args + ")"
}

// outside is what an engine must not reach: a directory with a secret, and an address.
type outside struct {
	dir     string
	listen  net.Listener
	reached chan struct{}
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := &outside{dir: t.TempDir(), listen: listen, reached: make(chan struct{}, 1)}
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "secret"), []byte("precious\n"), 0o600))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			select {
			case o.reached <- struct{}{}:
			default:
			}
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, listen.Close())
		<-ended
	})
	return o
}

// fill puts the directory and the address into a statement.
func (o *outside) fill(sql string) string {
	host := o.listen.Addr().String()
	return strings.NewReplacer("$DIR", o.dir, "$URL", "http://"+host, "$HOST", host).Replace(sql)
}

// check fails the test if anything was reached, read or written.
func (o *outside) check(t *testing.T, sql, answer string) {
	t.Helper()
	require.NotContains(t, answer, "precious", sql)
	left, err := os.ReadDir(o.dir)
	require.NoError(t, err)
	require.Len(t, left, 1, sql)
	select {
	case <-o.reached:
		require.Fail(t, "a connection was made", sql)
	default:
	}
}

// refuse runs a statement that must be refused with these words.
func (o *outside) refuse(t *testing.T, s *Server, sql, want string) {
	t.Helper()
	sql = o.fill(sql)
	answer, err := tryQuery(t.Context(), s, sql)
	require.ErrorContains(t, err, want, sql)
	o.check(t, sql, answer)
}

// Nothing of the engine's own lists leads out: every table function, every engine of tables and databases.
func TestFence(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	require.NoError(t, s.Sandbox())
	o := newOutside(t)
	for _, name := range strings.Split(query(t, s, "SELECT name FROM system.table_functions ORDER BY name"), "\n") {
		call := outsideCall(name)
		if slices.Contains(insideFunctions, name) {
			require.Empty(t, call, name)
			continue
		}
		require.NotEmpty(t, call, "the table function %s is new: does it stay inside of the engine?", name)
		want := "ACCESS_DENIED"
		switch {
		case strings.Contains(call, "('c',"):
			want = "cluster 'c' not found" // and there is none
		case name == "executable":
			want = "UNSUPPORTED_METHOD" // there is no directory of scripts
		}
		o.refuse(t, s, "SELECT * FROM "+call, want)
	}
	for _, name := range strings.Split(query(t, s, "SELECT name FROM system.table_engines ORDER BY name"), "\n") {
		if !slices.Contains(userEngines, name) {
			o.refuse(t, s, "CREATE TABLE f (s String) ENGINE = "+name+"('$URL')", "ACCESS_DENIED")
		}
	}
	for _, name := range strings.Split(query(t, s, "SELECT name FROM system.database_engines ORDER BY name"), "\n") {
		if !slices.Contains(userEngines, name) {
			o.refuse(t, s, "CREATE DATABASE f ENGINE = "+name+"('$DIR')", "ACCESS_DENIED")
		}
	}
	require.NoError(t, s.Err())
}

// No view runs with more rights than its reader's, whatever form says so.
func TestFenceOfViews(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	o := newOutside(t)
	query(t, s, "CREATE TABLE src (s String) ENGINE = MergeTree ORDER BY s")
	query(t, s, "CREATE TABLE dst (s String) ENGINE = MergeTree ORDER BY s")
	query(t, s, "CREATE VIEW v (s String) AS SELECT * FROM src")
	query(t, s, "CREATE MATERIALIZED VIEW m TO dst AS SELECT * FROM src")
	read := " AS SELECT * FROM file('$DIR/secret', 'LineAsString', 's String')"
	for _, form := range []string{"SQL SECURITY NONE", "DEFINER = default SQL SECURITY DEFINER", "DEFINER = default", "DEFINER = nobody SQL SECURITY DEFINER"} {
		for _, sql := range []string{
			"CREATE VIEW x (s String) " + form + read,
			"CREATE OR REPLACE VIEW v (s String) " + form + read,
			"ATTACH VIEW x (s String) " + form + read,
			"CREATE MATERIALIZED VIEW x TO dst " + form + read,
			"CREATE MATERIALIZED VIEW x REFRESH EVERY 1 SECOND TO dst " + form + read,
			"ALTER TABLE v MODIFY " + form,
			"ALTER TABLE m MODIFY " + form,
		} {
			o.refuse(t, s, sql, "ACCESS_DENIED")
		}
	}
	for _, settings := range []string{"default_normal_view_sql_security = 'NONE'", "default_materialized_view_sql_security = 'NONE'", "default_view_definer = 'default'"} {
		for _, sql := range []string{"CREATE VIEW y (s String)" + read, "CREATE MATERIALIZED VIEW y TO dst" + read, "SELECT * FROM y", "DROP TABLE IF EXISTS y"} {
			answer, _ := tryQuery(t.Context(), s, o.fill(sql+" SETTINGS "+settings))
			o.check(t, sql, answer)
		}
	}
	// A view may name its own user, and a materialized view works as ever.
	query(t, s, "CREATE VIEW mine (s String) DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT * FROM dst")
	query(t, s, "INSERT INTO src VALUES ('a')")
	require.Equal(t, "a", query(t, s, "SELECT s FROM mine"))
}

// Disks of a table's own and targets of backups have no list and no grants. The kernel refuses what they try.
func TestFenceOfDisksAndBackups(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	o := newOutside(t)
	query(t, s, "CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s")
	s3 := "endpoint='$URL/bucket/key/', access_key_id='a', secret_access_key='b', skip_access_check=0"
	disks := []string{
		"type=local, path='$DIR/d/'", "type=local_blob_storage, path='$DIR/d/'", "type=backup, path='$DIR/d/'", "type=memory",
		"type=encrypted, disk='default', key='1234567812345678', path='../../../../$DIR/d'", "type=cache, disk='default', path='$DIR/d/', max_size='1Mi'",
		"type=s3, " + s3, "type=s3_plain, " + s3, "type=s3_plain_rewritable, " + s3, "type=gcs, " + s3,
		"type=azure_blob_storage, storage_account_url='$URL', container_name='c', account_name='a', account_key='a2V5', skip_access_check=0",
		"type=from_env HOME", "type=local, path='$DIR/d/', include=x",
	}
	for _, storage := range []string{"local", "local_blob_storage", "s3", "azure", "gcs"} {
		for _, metadata := range []string{"local", "plain", "plain_rewritable", "web", "keeper"} {
			disks = append(disks, "type=object_storage, object_storage_type="+storage+", metadata_type="+metadata+", path='$DIR/d/', storage_account_url='$URL', container_name='c', "+s3)
		}
	}
	try := func(sql string) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // some try again and again
		defer cancel()
		answer, _ := tryQuery(ctx, s, o.fill(sql))
		o.check(t, sql, answer)
	}
	for _, disk := range disks {
		try("CREATE TABLE x (s String) ENGINE = MergeTree ORDER BY s SETTINGS disk = disk(" + disk + ")")
		try("ATTACH TABLE x (s String) ENGINE = MergeTree ORDER BY s SETTINGS disk = disk(" + disk + ")")
		try("CREATE TABLE x (s String) ENGINE = Log SETTINGS disk = disk(" + disk + ")")
		try("CREATE DATABASE x ENGINE = Atomic SETTINGS disk = disk(" + disk + ")")
		try("ALTER TABLE t MODIFY SETTING disk = disk(" + disk + ")")
	}
	for _, target := range []string{
		"File('$DIR/b')", "Disk('default', 'b')", "S3('$URL/bucket/key', 'a', 'b')", "URL('$URL/b')", "HDFS('hdfs://$HOST/b')",
		"AzureBlobStorage('DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=$URL/a;', 'c', 'b')",
	} {
		o.refuse(t, s, "BACKUP TABLE t TO "+target, "")
		o.refuse(t, s, "RESTORE TABLE t FROM "+target, "")
	}
	// These go on trying for half a minute.
	try("CREATE DATABASE x ENGINE = Atomic SETTINGS disk = disk(type=web, endpoint='$URL/d/')")
	try("CREATE DATABASE x ENGINE = Atomic SETTINGS disk = disk(type=hdfs, endpoint='hdfs://$HOST/')")
	require.NoError(t, s.Err())
	require.NoError(t, s.Kill())
}

// The engine holds what it was granted, and a new version has not added to that.
func TestFenceOfPrivileges(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	reviewed := strings.Fields(readFile(t, "testdata/privileges.txt"))
	for i, name := range reviewed {
		reviewed[i] = strings.ReplaceAll(name, "_", " ")
	}
	parents := map[string]string{}
	for _, line := range strings.Split(query(t, s, "SELECT privilege, ifNull(parent_group, '') FROM system.privileges"), "\n") {
		privilege, parent, _ := strings.Cut(line, "\t")
		parents[privilege] = parent
	}
	for privilege := range parents {
		for group := privilege; group != ""; group = parents[group] {
			if slices.Contains(userPrivileges, group) {
				require.Contains(t, reviewed, privilege, "the engine's user holds a privilege that is new: does it stay inside of the engine?")
			}
		}
	}
	o := newOutside(t)
	for _, sql := range []string{
		"SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM STOP LISTEN HTTP", "SYSTEM START LISTEN TCP", "SYSTEM RELOAD CONFIG",
		"CREATE USER u", "CREATE NAMED COLLECTION c AS a = 1", "CREATE ROLE r", "GRANT ALL ON *.* TO factload", "EXECUTE AS default",
		"CREATE DICTIONARY f (s String) PRIMARY KEY s SOURCE(EXECUTABLE(COMMAND 'id' FORMAT TSV)) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)",
		"SELECT 1 INTO OUTFILE '$DIR/x'", "INSERT INTO t FROM INFILE '$DIR/secret' FORMAT LineAsString",
		"INSERT INTO FUNCTION file('$DIR/x', 'TSV', 's String') VALUES ('x')", "SELECT file('$DIR/secret')",
	} {
		o.refuse(t, s, sql, "")
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + s.http.String() + "/webterminal")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.GreaterOrEqual(t, resp.StatusCode, 400)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
