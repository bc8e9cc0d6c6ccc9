package query

import (
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/internal/enginetest"
)

// An assistant can read, within limits, and can do nothing else.
func TestMCP(t *testing.T) {
	t.Parallel()
	engine := enginetest.Start(t, embedded.Config{})
	client, err := clickhouse.Open(engine.HTTPDSN())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	require.NoError(t, client.Exec(t.Context(), "CREATE TABLE things (a UInt8 COMMENT 'what it is') ENGINE = MergeTree ORDER BY a"))
	require.NoError(t, client.Exec(t.Context(), "INSERT INTO things VALUES (1), (2), (3)"))

	ours, theirs := mcp.NewInMemoryTransports()
	server, err := newMCPServer(client, mcpLimits{rows: 2, seconds: 5 * time.Second, bytes: 1 << 28}, "1").Connect(t.Context(), ours, nil)
	require.NoError(t, err)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), theirs, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, session.Close())
		require.NoError(t, server.Wait())
	})
	call := func(tool string, arguments map[string]any) (text string, failed bool) {
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
		require.NoError(t, err)
		return result.Content[0].(*mcp.TextContent).Text, result.IsError
	}
	text, failed := call("tables", map[string]any{})
	require.False(t, failed, text)
	require.Contains(t, text, `"name":"things"`)
	text, _ = call("columns", map[string]any{"table": "things"})
	require.Contains(t, text, `"comment":"what it is"`)
	text, _ = call("questions", map[string]any{})
	require.Contains(t, text, "answer_pass_rate: How often does a model pass")
	text, failed = call("query", map[string]any{"sql": "SELECT a FROM things ORDER BY a;"})
	require.False(t, failed, text)
	require.Equal(t, "{\"a\":1}\n{\"a\":2}\n(cut: an answer has 2 rows and 256KiB at most)\n", text)
	text, _ = call("query", map[string]any{"sql": "SELECT repeat('x', 300000)"})
	require.True(t, strings.HasPrefix(text, "(cut"), "a part of a row is left out")

	for _, sql := range []string{
		"INSERT INTO things VALUES (4)", "DROP TABLE things", "CREATE TABLE others (a UInt8) ENGINE = Memory", "ALTER TABLE things DELETE WHERE 1", "TRUNCATE TABLE things",
		"SET max_memory_usage = 0", "SELECT 1 SETTINGS max_execution_time = 0", "SELECT 1 SETTINGS readonly = 0", "SYSTEM FLUSH LOGS", "KILL QUERY WHERE 1", "/* SELECT */ KILL QUERY WHERE 1", "EXPLAIN AST KILL QUERY WHERE 1; SELECT 1", "WITH 1 AS x INSERT INTO things SELECT x",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM file('x.csv', 'CSV', 'a String')", "SELECT * FROM remote('127.0.0.1', system.one)",
		"SELECT 1; SELECT 2", "", "SELECT count() FROM numbers(1e15) WHERE sipHash64(number) = 1", "SELECT groupArray(number) FROM numbers(1e9)",
	} {
		text, failed := call("query", map[string]any{"sql": sql})
		require.True(t, failed, "%s: %s", sql, text)
	}
	text, _ = call("query", map[string]any{"sql": "-- how many?\n(SELECT count() AS n FROM things)"})
	require.Equal(t, "{\"n\":3}\n", text)
}
