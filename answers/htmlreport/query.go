package htmlreport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/factload/factload/answers"
	"github.com/factload/factload/clickhouse"
)

// Marks are the kinds of charts of [OfQuery].
func Marks() []string { return []string{"bar", "line"} }

// maxChartRows is how many rows are drawn of a query's answer.
const maxChartRows = 5000

// OfQuery asks one query and draws its answer with a mark of [Marks]. The first column says where: the label of a bar, or
// the time or number at which a line is. The first column of numbers after it is what is drawn, and a column of text after
// the first one tells several lines, or the parts of a bar, from each other. Rows keep their order; more than 5,000 are an
// error, as are answers that have no such columns. The client must be as for [Make].
func OfQuery(ctx context.Context, c *clickhouse.Client, mark, sql string, params ...any) (*Report, error) {
	var b bytes.Buffer
	ctx = chgo.Context(ctx, chgo.WithSettings(chgo.Settings{
		"output_format_json_quote_64bit_integers": 0, "output_format_json_quote_denormals": 0, "output_format_json_quote_decimals": 0,
		"max_result_rows": maxChartRows, "result_overflow_mode": "throw",
	}))
	if err := c.QueryFormat(ctx, &b, "JSONCompact", sql, params...); err != nil {
		return nil, err
	}
	part, columns, err := decode(b.Bytes())
	if err != nil {
		return nil, err
	}
	part.SQL = sql
	chart, err := chartOf(mark, columns)
	if err != nil {
		return nil, err
	}
	return &Report{
		Title: chart.Title, Made: time.Now().UTC().Truncate(time.Second), Windows: []Window{{Name: wholeTime}},
		Answers: []Answer{{Name: "query", Title: chart.Title, Table: "the answer", Columns: columns, Chart: chart, Parts: []Part{part}}},
	}, nil
}

// chartOf chooses what is drawn where.
func chartOf(mark string, columns []Column) (*answers.Chart, error) {
	if len(columns) < 2 {
		return nil, errors.New("a chart needs two columns at least: where a value is, and the value")
	}
	at, value, group := columns[0], "", ""
	for _, column := range columns[1:] {
		switch {
		case column.Type == "number" && value == "":
			value = column.Name
		case column.Type == "text" && group == "":
			group = column.Name
		}
	}
	if value == "" {
		return nil, fmt.Errorf("a chart needs a column of numbers after the first one, %s", at.Name)
	}
	chart := &answers.Chart{Mark: mark, Title: value + " by " + at.Name, Color: group, Format: "number"}
	switch {
	case mark == "line" && at.Type == "text":
		return nil, fmt.Errorf("a line goes along a time or a number, and %s is a text: use bar", at.Name)
	case mark == "line", at.Type == "day":
		chart.X, chart.Y, chart.XLabel, chart.YLabel = answers.Columns{at.Name}, answers.Columns{value}, at.Name, value
	default: // bars lie, so that their labels have room
		chart.X, chart.Y, chart.XLabel, chart.YLabel = answers.Columns{value}, answers.Columns{at.Name}, value, at.Name
	}
	return chart, nil
}

// decode reads an answer in the format JSONCompact.
func decode(answer []byte) (Part, []Column, error) {
	var found struct {
		Meta []struct{ Name, Type string }
		Data [][]json.RawMessage
		Rows uint64 `json:"rows_before_limit_at_least"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return Part{}, nil, errors.New("the server's answer is not JSON")
	}
	var columns []Column
	for _, m := range found.Meta {
		columns = append(columns, Column{Name: m.Name, Type: kindOf(m.Type)})
	}
	if found.Data == nil {
		found.Data = [][]json.RawMessage{}
	}
	return Part{Rows: found.Data, More: max(found.Rows, uint64(len(found.Data))) - uint64(len(found.Data))}, columns, nil
}
