package htmlreport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
)

// Limits of what a page holds, so that it stays below 2 MB.
const (
	maxBytes = 60_000 // of the rows of an answer in a window
	// An answer by day is in the page once, for all windows.
	maxDailyBytes = 150_000
)

// Report is what a page shows.
type Report struct {
	Title   string    `json:"title"`
	Made    time.Time `json:"made"`
	Windows []Window  `json:"windows"`
	Answers []Answer  `json:"answers"`
}

// Window is a span of time that ends with the newest fact. From is zero for the whole time.
type Window struct {
	Name string    `json:"name" ch:"name"`
	From time.Time `json:"from" ch:"from"`
}

// Answer is a question with its rows.
type Answer struct {
	Name     string         `json:"name"`
	Title    string         `json:"title"`
	Question string         `json:"question"`
	About    string         `json:"about"`
	Table    string         `json:"table"` // that the question is about
	Columns  []Column       `json:"columns"`
	Chart    *answers.Chart `json:"chart,omitempty"`
	// Parts has an entry for each window, or a single one for answers by day, whose rows know their time.
	Parts []Part `json:"parts"`
}

// Column is a column of an answer.
type Column struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Type string `json:"type"` // number, day or text
}

// Part is an answer for a window.
type Part struct {
	SQL  string              `json:"sql"`
	Rows [][]json.RawMessage `json:"rows"`
	More uint64              `json:"more"` // rows that the page has no room for
}

// timeOf names the column of a table that says when a fact was.
var timeOf = map[string]string{"message": "created_at", "tool_call": "created_at", "conversation": "started_at", "eval_result": "created_at"}

// topics are the tables that a page may be about.
var topics = map[string][]string{"chat": {"message", "conversation", "tool_call"}, "eval": {"eval_result"}}

// Topics returns the names of the topics that [Make] knows.
func Topics() []string { return []string{"chat", "eval"} }

// Make asks the questions of a topic: chat, eval, the name of a table, or empty for all questions. The client must be one
// over HTTP, or reach its server's HTTP port. Tables that are not there, and questions that take parameters, are left out;
// nothing to show at all is an error.
func Make(ctx context.Context, c *clickhouse.Client, topic string) (*Report, error) {
	about := allTables()
	title := "Evals and chats"
	switch {
	case topics[topic] != nil:
		about, title = topics[topic], map[string]string{"chat": "Chats", "eval": "Evals"}[topic]
	case topic != "":
		return ofTable(ctx, c, topic)
	}
	var tables []struct {
		Database string `ch:"database"`
		Name     string `ch:"name"`
	}
	if err := c.Select(ctx, &tables, "SELECT database, name FROM system.tables WHERE database = currentDatabase()"); err != nil {
		return nil, err
	}
	there := map[string]string{}
	for _, t := range tables {
		there[t.Name] = t.Database
	}
	r := &Report{Title: title, Made: time.Now().UTC().Truncate(time.Second)}
	wanted := about
	about = slices.DeleteFunc(slices.Clone(about), func(table string) bool { return there[table] == "" })
	if len(about) == 0 {
		return nil, fmt.Errorf("nothing to report: the database has none of the tables %s", strings.Join(wanted, ", "))
	}
	if err := r.windows(ctx, c, about); err != nil {
		return nil, err
	}
	for _, table := range about {
		for _, q := range answers.All() {
			missing := slices.ContainsFunc(q.Reads, func(read string) bool { return there[read] == "" })
			if q.Reads[0] != table || missing || len(q.Parameters) > 0 {
				continue
			}
			if err := r.ask(ctx, c, q, there[table]); err != nil {
				return nil, fmt.Errorf("question %s: %w", q.Name, err)
			}
		}
	}
	return r, nil
}

// wholeTime is the name of the first window.
const wholeTime = "the whole time"

// windowsSQL finds spans of whole days, so that answers by day fit, which end with the newest fact. Spans that hold all there
// is are left out. {times} stands for what timesSQL returns for each of the tables.
const windowsSQL = `SELECT span.1 AS name, toDateTime64(toStartOfDay(last, 'UTC'), 3, 'UTC') - toIntervalDay(span.2 - 1) AS from
FROM (SELECT min(first) AS first, max(last) AS last FROM ({times}) WHERE n > 0 HAVING count() > 0)
ARRAY JOIN [('the last 30 days', 30), ('the last 7 days', 7), ('the last day', 1)] AS span
WHERE from > first ORDER BY span.2 DESC`

// timesSQL finds the oldest and the newest fact of a table.
func timesSQL(table string) string {
	return fmt.Sprintf("SELECT min(%s) AS first, max(%[1]s) AS last, count() AS n FROM %s", timeOf[table], ddl.QuoteIdent(table))
}

// windows asks for the windows of the tables.
func (r *Report) windows(ctx context.Context, c *clickhouse.Client, tables []string) error {
	var times []string
	for _, table := range tables {
		times = append(times, timesSQL(table))
	}
	r.Windows = []Window{{Name: wholeTime}}
	var spans []Window
	if err := c.Select(ctx, &spans, strings.Replace(windowsSQL, "{times}", strings.Join(times, " UNION ALL "), 1)); err != nil {
		return err
	}
	r.Windows = append(r.Windows, spans...)
	return nil
}

// answerTo returns what is known of an answer without asking.
func answerTo(q answers.Question) Answer {
	return Answer{Name: q.Name, Title: q.Title, Question: q.Question, About: q.About, Table: q.Reads[0], Chart: q.Chart}
}

// ask adds the answer of a question.
func (r *Report) ask(ctx context.Context, c *clickhouse.Client, q answers.Question, database string) error {
	a := answerTo(q)
	windows, room := r.Windows, maxBytes
	if slices.ContainsFunc(q.Columns, func(n answers.Note) bool { return n.Name == "day" }) {
		windows, room = windows[:1], maxDailyBytes
	}
	for _, w := range windows {
		sql := q.SQL
		if !w.From.IsZero() {
			sql = within(q, database, w.From.Format(time.DateTime))
		}
		part, columns, err := ask(ctx, c, sql, q.Order, room)
		if err != nil {
			return err
		}
		for i := range columns {
			columns[i].Text = q.Columns[i].Text
		}
		a.Columns, a.Parts = columns, append(a.Parts, part)
	}
	r.Answers = append(r.Answers, a)
	return nil
}

// within returns the SQL of a question for the facts from a time on. The table it is about is replaced by its newer rows.
func within(q answers.Question, database, from string) string {
	table := q.Reads[0]
	newer := fmt.Sprintf("WITH\n    %s AS (SELECT * FROM %s.%[1]s WHERE %[3]s >= toDateTime64('%[4]s', 3, 'UTC'))", table, ddl.QuoteIdent(database), timeOf[table], from)
	if rest, ok := strings.CutPrefix(q.SQL, "WITH"); ok {
		return newer + "," + rest
	}
	return newer + "\n" + q.SQL
}

// askedSQL asks for the first rows of an answer; {sql} is the question's own.
const askedSQL = "SELECT * FROM (\n{sql}\n) ORDER BY {order} LIMIT 5000 SETTINGS output_format_json_quote_64bit_integers = 0, exact_rows_before_limit = 1"

// orderOf is what the rows of an answer are put into order by.
func orderOf(order string) string { return cmp.Or(order, "ALL") }

// ask asks one query and keeps the first rows of its answer.
func ask(ctx context.Context, c *clickhouse.Client, sql, order string, room int) (Part, []Column, error) {
	var b bytes.Buffer
	if err := c.QueryFormat(ctx, &b, "JSONCompact", strings.NewReplacer("{sql}", sql, "{order}", orderOf(order)).Replace(askedSQL)); err != nil {
		return Part{}, nil, err
	}
	part, columns, err := decode(b.Bytes())
	if err != nil {
		return Part{}, nil, err
	}
	all := uint64(len(part.Rows)) + part.More
	part.SQL, part.Rows = sql, fitting(part.Rows, room)
	part.More = all - uint64(len(part.Rows))
	return part, columns, nil
}

// fitting returns the first rows that fit, and no row as nil.
func fitting(rows [][]json.RawMessage, room int) [][]json.RawMessage {
	out := [][]json.RawMessage{}
	for _, row := range rows {
		for _, value := range row {
			room -= len(value) + 1
		}
		if room < 0 {
			break
		}
		out = append(out, row)
	}
	return out
}

// kindOf says how a column of a ClickHouse type is shown.
func kindOf(typ string) string {
	for _, wrapper := range []string{"LowCardinality(", "Nullable("} {
		typ = strings.TrimPrefix(typ, wrapper)
	}
	switch {
	case strings.HasPrefix(typ, "Date"):
		return "day"
	case strings.HasPrefix(typ, "UInt"), strings.HasPrefix(typ, "Int"), strings.HasPrefix(typ, "Float"), strings.HasPrefix(typ, "Decimal"):
		return "number"
	}
	return "text"
}
