package htmlreport

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
)

// maxGroups is how many columns of few values a table's page shows.
const maxGroups = 6

// ofTable reports on any table: rows per day, numbers, and the most frequent values.
func ofTable(ctx context.Context, c *clickhouse.Client, table string) (*Report, error) {
	var columns []struct {
		Name     string `ch:"name"`
		Type     string `ch:"type"`
		Database string `ch:"database"`
	}
	const sql = "SELECT name, type, database FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position"
	if err := c.Select(ctx, &columns, sql, clickhouse.Param("table", table)); err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("there is no table %q; other reports are %s", table, strings.Join(Topics(), ", "))
	}
	r := &Report{Title: table, Made: time.Now().UTC().Truncate(time.Second), Windows: []Window{{Name: wholeTime}}}
	from := ddl.QuoteIdent(table)
	var questions []answers.Question
	var numbers, groups []string
	for _, column := range columns {
		name, typ := ddl.QuoteIdent(column.Name), strings.TrimSuffix(strings.TrimPrefix(column.Type, "Nullable("), ")")
		switch kind := kindOf(column.Type); {
		case kind == "day" && len(questions) == 0:
			questions = append(questions, answers.Question{
				Title: "Rows per day", Question: "How many rows are there each day?", About: "By " + column.Name + ", in UTC.",
				SQL:   fmt.Sprintf("SELECT toDate(%s) AS day, count() AS rows\nFROM %s\nWHERE %[1]s IS NOT NULL\nGROUP BY day", name, from),
				Chart: &answers.Chart{Mark: "bar", Title: "Rows per day", X: answers.Columns{"day"}, Y: answers.Columns{"rows"}, Stack: true, Format: "number", YLabel: "rows"},
			})
		case kind == "number":
			numbers = append(numbers, fmt.Sprintf("SELECT %s AS column, count(%s) AS values, toFloat64(min(%[2]s)) AS min, toFloat64(quantileExactWeighted(0.5)(%[2]s, 1)) AS median, toFloat64(quantileExactWeighted(0.95)(%[2]s, 1)) AS p95, toFloat64(max(%[2]s)) AS max, toFloat64(avg(%[2]s)) AS mean\nFROM %s", ddl.QuoteString(column.Name), name, from))
		case strings.HasPrefix(column.Type, "LowCardinality"), strings.HasPrefix(typ, "Enum"), typ == "Bool":
			groups = append(groups, column.Name)
		}
	}
	if len(numbers) > 0 {
		questions = append(questions, answers.Question{
			Title: "Numbers", Question: "Which values do the numbers have?", About: "NULL is left out.", SQL: strings.Join(numbers, "\nUNION ALL\n"),
		})
	}
	for _, group := range groups[:min(maxGroups, len(groups))] {
		questions = append(questions, answers.Question{
			Title: "Rows by " + group, Question: "How often does each value occur?", About: "The twenty most frequent ones are drawn.", Order: "rows DESC, value",
			SQL:   fmt.Sprintf("SELECT toString(%s) AS value, count() AS rows\nFROM %s\nGROUP BY value", ddl.QuoteIdent(group), from),
			Chart: &answers.Chart{Mark: "bar", Title: "Rows by " + group, X: answers.Columns{"rows"}, Y: answers.Columns{"value"}, Format: "number", XLabel: "rows", Top: 20},
		})
	}
	if len(questions) == 0 {
		questions = []answers.Question{{Title: "Rows", Question: "How many rows are there?", SQL: "SELECT count() AS rows FROM " + from}}
	}
	for i, q := range questions {
		part, columns, err := ask(ctx, c, q.SQL, q.Order, maxBytes)
		if err != nil {
			return nil, err
		}
		r.Answers = append(r.Answers, Answer{
			Name: fmt.Sprintf("q%d", i+1), Title: q.Title, Question: q.Question, About: q.About, Table: table, Columns: slices.Clip(columns), Chart: q.Chart, Parts: []Part{part},
		})
	}
	return r, nil
}
