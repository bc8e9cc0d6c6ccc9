package engine

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/answers/htmlreport"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
)

// served is an engine as serve starts it, with a table of three rows.
func served(t *testing.T) *embedded.Server {
	t.Helper()
	c := embedded.Config{User: "owner", Database: "facts", Users: []embedded.User{embedded.Reader("analyst", "a reader's password")}}
	c.Pages = pages(c)
	engine := enginetest.Start(t, c)
	client, err := clickhouse.Open(engine.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	require.NoError(t, client.Exec(t.Context(), "CREATE TABLE things (a UInt8) ENGINE = MergeTree ORDER BY a COMMENT 'what there is'"))
	require.NoError(t, client.Exec(t.Context(), "INSERT INTO things VALUES (1), (2), (3)"))
	return engine
}

// ask sends a request to the engine, by the user and password if there is a user.
func ask(t *testing.T, engine *embedded.Server, user, password, method, path, body string) (int, string, http.Header) {
	t.Helper()
	at, err := url.Parse(engine.HTTPDSN())
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+at.Host+path, strings.NewReader(body))
	require.NoError(t, err)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := (&http.Client{}).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text), resp.Header
}

// Without credentials there is a page without facts, and whether the engine answers. With them, the metrics.
func TestPages(t *testing.T) {
	t.Parallel()
	engine := served(t)
	status, page, header := ask(t, engine, "", "", http.MethodGet, "/", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, `href="/play?user=analyst&amp;database=facts"`)
	require.NotContains(t, page, "things")
	policy := header.Get("Content-Security-Policy")
	for tag, directive := range map[string]string{"script": "script-src", "style": "style-src"} {
		inline := regexp.MustCompile("(?s)<" + tag + ">(.*?)</" + tag + ">").FindStringSubmatch(page)
		require.NotNil(t, inline)
		sum := sha256.Sum256([]byte(inline[1]))
		require.Contains(t, policy, directive+" 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", "the page runs and is styled")
	}
	var live strings.Builder
	require.NoError(t, htmlreport.WriteLiveHTML(&live, "analyst", "facts"))
	status, report, _ := ask(t, engine, "", "", http.MethodGet, "/report", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, live.String(), report, "byte for byte, with ${ and all")
	require.Contains(t, report, "${")
	status, text, _ := ask(t, engine, "", "", http.MethodGet, "/healthz", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "ok\n", text)

	for _, wrong := range []string{"", "analyst", "owner"} {
		status, text, _ = ask(t, engine, wrong, "wrong", http.MethodGet, "/metrics", "")
		require.Equal(t, http.StatusForbidden, status, text)
		require.NotContains(t, text, "things")
		if wrong == "" {
			require.Equal(t, "/metrics is for users of this engine: log in by HTTP basic authentication\n", text)
		}
	}
	status, text, header = ask(t, engine, "analyst", "a reader's password", http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, header.Get("Content-Type"), "text/plain")
	require.Contains(t, text, `factload_table_rows{database="facts",table="things"} 3`+"\n")
	require.Contains(t, text, `factload_table_parts{database="facts",table="things"} 1`+"\n")
	require.Regexp(t, `(?m)^ClickHouseProfileEvents_Query \d+$`, text)
	require.Regexp(t, `(?m)^# TYPE ClickHouseMetrics_Query gauge$`, text)
	line := regexp.MustCompile(`^(#( (HELP|TYPE) .*)?|[a-zA-Z_][a-zA-Z0-9_]*(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+0-9.e]+|)$`)
	for got := range strings.Lines(text) {
		require.Regexp(t, line, strings.TrimSuffix(got, "\n"))
	}

	// The pages take nothing from what the engine answered before.
	_, text, _ = ask(t, engine, "analyst", "a reader's password", http.MethodGet, "/?query=SELECT+7", "")
	require.Equal(t, "7\n", text)
	_, text, _ = ask(t, engine, "analyst", "a reader's password", http.MethodPost, "/", "SELECT 8")
	require.Equal(t, "8\n", text)
	_, text, _ = ask(t, engine, "", "", http.MethodGet, "/ping", "")
	require.Equal(t, "Ok.\n", text)
}

// The reader reads all tables, and changes nothing of them or of the machine.
func TestReader(t *testing.T) {
	t.Parallel()
	engine := served(t)
	for _, sql := range []string{
		"SELECT sum(a) FROM things", "SHOW TABLES", "DESCRIBE things", "SELECT count() > 0 FROM system.parts", "WITH x AS (SELECT 1) SELECT * FROM x SETTINGS max_threads = 1",
		"EXPLAIN SELECT a FROM things",
	} {
		status, text, _ := ask(t, engine, "analyst", "a reader's password", http.MethodPost, "/", sql)
		require.Equal(t, http.StatusOK, status, "%s: %s", sql, text)
	}
	for _, sql := range []string{
		"INSERT INTO things VALUES (4)", "DROP TABLE things", "TRUNCATE TABLE things", "ALTER TABLE things DELETE WHERE 1", "ALTER TABLE things ADD COLUMN b UInt8",
		"CREATE TABLE others (a UInt8) ENGINE = Memory", "CREATE DATABASE d", "CREATE VIEW v AS SELECT 1", "OPTIMIZE TABLE things", "RENAME TABLE things TO others",
		"CREATE USER u", "GRANT INSERT ON *.* TO analyst", "SYSTEM STOP MERGES things", "SYSTEM SHUTDOWN", "BACKUP DATABASE facts TO File('b')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM file('x.csv', 'CSV', 'a String')", "SELECT * FROM remote('127.0.0.1', system.one)",
		"CREATE TEMPORARY TABLE x (a UInt8) ENGINE = File(CSV)", "SELECT 1 INTO OUTFILE 'x'",
	} {
		status, text, _ := ask(t, engine, "analyst", "a reader's password", http.MethodPost, "/", sql)
		require.NotEqual(t, http.StatusOK, status, "%s: %s", sql, text)
	}
	_, text, _ := ask(t, engine, "analyst", "a reader's password", http.MethodPost, "/", "SELECT count(), sum(a) FROM things")
	require.Equal(t, "3\t6\n", text)
}
