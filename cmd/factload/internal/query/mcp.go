package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/docker/go-units"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
)

// mcpLimits bound what one question of an assistant may take.
type mcpLimits struct {
	rows    int
	seconds time.Duration
	memory  string
	bytes   int64 // of memory
}

// mcpAnswerBytes bounds the text of an answer.
const mcpAnswerBytes = 256 << 10

// NewMCP makes the command mcp.
func NewMCP(a *cli.App) *cobra.Command {
	limits := mcpLimits{}
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Let an assistant ask questions, by the Model Context Protocol",
		Long: `Serve the Model Context Protocol on standard input and output, for assistants that
start it as a local server. They can list the tables and the shipped questions, look at
a table's columns, and run one SELECT at a time. Nothing can be changed: the server of
the data refuses every statement that is not read-only, functions that read files or
other hosts, and settings that would lift the limits.`,
		Example: `  factload mcp --dsn-file .factload/data/run/dsn`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if limits.bytes, err = units.RAMInBytes(limits.memory); err != nil || limits.bytes <= 0 || limits.rows <= 0 || limits.seconds < time.Second {
				return cli.UsageError(errors.New("--max-rows, --max-time (a second at least) and --max-memory must be more than nothing"))
			}
			return withAsker(cmd.Context(), a, queryFlags{}, func(q *asker, ctx context.Context) error {
				return newMCPServer(q.client, limits, a.Version).Run(ctx, &mcp.StdioTransport{})
			})
		},
	}
	cli.AddServerFlags(cmd)
	cmd.Flags().IntVar(&limits.rows, "max-rows", 1000, "`rows` of an answer")
	cmd.Flags().DurationVar(&limits.seconds, "max-time", 30*time.Second, "`time` that a SELECT may take")
	cmd.Flags().StringVar(&limits.memory, "max-memory", "2GiB", "`memory` that a SELECT may take")
	return cmd
}

// mcpTools are the tools of an assistant.
type mcpTools struct {
	client *clickhouse.Client
	limits mcpLimits
}

// Arguments of the tools.
type (
	mcpNothing struct{}
	mcpTable   struct {
		Table string `json:"table" jsonschema:"name of the table or view"`
	}
	mcpQuery struct {
		SQL string `json:"sql" jsonschema:"one SELECT in the dialect of ClickHouse, without FORMAT"`
	}
)

// newMCPServer returns a server whose tools ask the client, which must reach the HTTP port.
func newMCPServer(client *clickhouse.Client, limits mcpLimits, version string) *mcp.Server {
	t := &mcpTools{client: client, limits: limits}
	server := mcp.NewServer(&mcp.Implementation{Name: "factload", Version: version}, nil)
	tool := func(name, description string) *mcp.Tool {
		return &mcp.Tool{Name: name, Description: description, Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}}
	}
	mcp.AddTool(server, tool("tables", "List the tables and views of the database, with rows and sizes."),
		func(ctx context.Context, _ *mcp.CallToolRequest, _ mcpNothing) (*mcp.CallToolResult, any, error) {
			return t.ask(ctx, tablesSQL)
		})
	mcp.AddTool(server, tool("columns", "List the columns of a table or view, with types and comments."),
		func(ctx context.Context, _ *mcp.CallToolRequest, in mcpTable) (*mcp.CallToolResult, any, error) {
			return t.ask(ctx, columnsSQL, clickhouse.Param("table", in.Table))
		})
	mcp.AddTool(server, tool("questions", "List the shipped questions about evals and chats, with the views that answer them if factload apply --views has made them."),
		func(context.Context, *mcp.CallToolRequest, mcpNothing) (*mcp.CallToolResult, any, error) {
			return mcpText(questionsText()), nil, nil
		})
	mcp.AddTool(server, tool("query", fmt.Sprintf("Run one SELECT and return its rows as JSON, a row a line. It gets %d rows, %s and %s of memory at most.", limits.rows, limits.seconds, units.BytesSize(float64(limits.bytes)))),
		func(ctx context.Context, _ *mcp.CallToolRequest, in mcpQuery) (*mcp.CallToolResult, any, error) {
			statements, _ := splitStatements(in.SQL)
			if len(statements) != 1 {
				return nil, nil, fmt.Errorf("want one statement, not %d", len(statements))
			}
			if !readsOnly.MatchString(statements[0]) {
				return nil, nil, errors.New("want a SELECT: nothing can be changed from here")
			}
			return t.ask(ctx, statements[0])
		})
	return server
}

// questionsText describes the shipped questions.
func questionsText() string {
	var b strings.Builder
	for _, q := range answers.All() {
		fmt.Fprintf(&b, "%s: %s", q.View(), q.Question)
		for i, p := range q.Parameters {
			fmt.Fprintf(&b, "%s%s = %s", map[bool]string{true: " Parameters: ", false: ", "}[i == 0], p.Name, p.Text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// readsOnly finds statements that ask, behind comments. The server of the data refuses what writes; but KILL QUERY, too, is
// read-only to it.
var readsOnly = regexp.MustCompile(`(?is)^(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:select|with|show|describe|desc|explain|exists)\b`)

// ask runs a statement that only reads, within the limits.
func (t *mcpTools) ask(ctx context.Context, sql string, params ...any) (*mcp.CallToolResult, any, error) {
	ctx = chgo.Context(ctx, chgo.WithSettings(chgo.Settings{
		"readonly": 1, "limit": t.limits.rows + 1, "max_execution_time": int(t.limits.seconds.Seconds()), "max_memory_usage": t.limits.bytes,
	}))
	answer := &cappedBuffer{room: mcpAnswerBytes}
	if err := t.client.QueryFormat(ctx, answer, "JSONEachRow", sql, params...); err != nil {
		return nil, nil, err
	}
	lines := bytes.SplitAfter(answer.Bytes(), []byte("\n"))
	if len(lines) > 0 {
		lines = lines[:len(lines)-1] // what is behind the last line end, which may be a part of a row
	}
	text := string(bytes.Join(lines[:min(len(lines), t.limits.rows)], nil))
	if len(lines) > t.limits.rows || answer.full {
		text += fmt.Sprintf("(cut: an answer has %d rows and %s at most)\n", t.limits.rows, units.BytesSize(mcpAnswerBytes))
	}
	if text == "" {
		text = "(no rows)"
	}
	return mcpText(text), nil, nil
}

func mcpText(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

// cappedBuffer keeps the first bytes and drops the rest.
type cappedBuffer struct {
	bytes.Buffer
	room int
	full bool
}

func (b *cappedBuffer) Write(p []byte) (int, error) {
	kept := min(len(p), b.room-b.Len())
	b.full = b.full || kept < len(p)
	_, _ = b.Buffer.Write(p[:kept])
	return len(p), nil
}
