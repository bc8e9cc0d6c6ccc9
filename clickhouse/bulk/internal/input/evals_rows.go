package input

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// evalsRows turns a log of openai/evals into placed lines of envelopes: an eval_result for
// each sample that is graded or fails, and an eval_run where the log has its final report.
//
// The log is of one run: its first line is the spec of the run, and the others are events
// and the report. What was sampled is held until it is graded.
type evalsRows struct {
	lineMaker
	lines  *LineReader
	place  Place // of the line that was read last
	behind int64 // offset behind it

	spec    evalsSpec
	rawSpec json.RawMessage
	sampled map[string]evalsEvent // by sample
	graded  int
	passed  int
	failed  int
	last    string // when the last event was

	line []byte
}

// mostWaiting is how many samples may wait to be graded.
const mostWaiting = 100_000

// evalsSpec is the spec of a run.
type evalsSpec struct {
	CompletionFns []string `json:"completion_fns"`
	EvalName      string   `json:"eval_name"`
	Split         string   `json:"split"`
	RunID         string   `json:"run_id"`
	CreatedAt     string   `json:"created_at"`
}

// evalsEvent is an event of a run.
type evalsEvent struct {
	RunID     string          `json:"run_id"`
	EventID   json.Number     `json:"event_id"`
	SampleID  string          `json:"sample_id"`
	Type      string          `json:"type"`
	CreatedAt string          `json:"created_at"`
	Data      json.RawMessage `json:"data"`
}

// evalsData is what the events have that become results.
type evalsData struct {
	Prompt   json.RawMessage `json:"prompt"`
	Sampled  json.RawMessage `json:"sampled"`
	Correct  *bool           `json:"correct"`
	Expected json.RawMessage `json:"expected"`
	Picked   json.RawMessage `json:"picked"`
	Accuracy *float64        `json:"accuracy"`
	Score    *float64        `json:"score"`
	Type     string          `json:"type"`
	Message  json.RawMessage `json:"message"`
}

func newEvalsRows(r io.Reader, most int) *evalsRows {
	e := &evalsRows{lines: NewLineReader(r, most), sampled: make(map[string]evalsEvent)}
	e.next = e.nextLine
	return e
}

// nextLine makes the line of the next row.
func (e *evalsRows) nextLine() ([]byte, error) {
	for {
		text, err := e.lines.Next()
		e.place = Place{Offset: e.behind, Line: e.place.Line + 1}
		e.behind += e.lines.Passed()
		if err != nil && !errors.Is(err, ErrLineTooLong) {
			return nil, err
		}
		var row any
		if err == nil {
			row, err = e.row(text)
		}
		if err == nil && row == nil {
			continue
		}
		var envelope []byte
		if err == nil {
			envelope, err = json.Marshal(row)
		}
		if err != nil {
			e.line = e.place.appendFault(e.line[:0], err.Error())
		} else {
			e.line = append(e.place.append(e.line[:0]), envelope...)
		}
		return e.line, nil
	}
}

// row returns the envelope that a line of the log completes, if it does.
func (e *evalsRows) row(text []byte) (any, error) {
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil, nil
	}
	if !utf8.Valid(text) {
		return nil, errors.New("the line is not valid UTF-8")
	}
	var line struct {
		Spec        json.RawMessage `json:"spec"`
		FinalReport json.RawMessage `json:"final_report"`
		evalsEvent
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return nil, fmt.Errorf("the line is none of a log of openai/evals: %w", err)
	}
	switch {
	case line.Spec != nil:
		e.rawSpec = line.Spec
		return nil, json.Unmarshal(line.Spec, &e.spec)
	case e.rawSpec == nil:
		return nil, errors.New("the log does not begin with the spec of a run")
	case line.FinalReport != nil:
		return e.run(line.FinalReport), nil
	case line.Type == "":
		return nil, errors.New("the line is neither an event of openai/evals nor a final report")
	}
	e.last = line.CreatedAt
	return e.event(line.evalsEvent)
}

// event takes an event.
func (e *evalsRows) event(event evalsEvent) (any, error) {
	var data evalsData
	switch event.Type {
	case "sampling":
		if len(e.sampled) >= mostWaiting {
			return nil, fmt.Errorf("more than %d samples of the log are not graded", mostWaiting)
		}
		e.sampled[event.SampleID] = event
		return nil, nil
	case "match", "metrics", "error":
	default:
		return nil, nil // of no sample, or about how it was made
	}
	if err := json.Unmarshal(event.Data, &data); err != nil {
		return nil, fmt.Errorf("the data of the event: %w", err)
	}
	row := map[string]any{
		"run_id": event.RunID, "suite": e.spec.EvalName, "category": e.spec.Split, "case_id": event.SampleID, "model": strings.Join(e.spec.CompletionFns, ","),
		"grader": event.Type, "payload": event.Data, "created_at": utcMillis(event.CreatedAt), "expected": asText(data.Expected),
	}
	e.graded++
	var sampled evalsData
	if before, ok := e.sampled[event.SampleID]; ok {
		delete(e.sampled, event.SampleID)
		if err := json.Unmarshal(before.Data, &sampled); err != nil {
			return nil, fmt.Errorf("the data of the sample: %w", err)
		}
		row["input"] = asText(sampled.Prompt)
	}
	row["output"] = asText(sampled.Sampled)
	if data.Sampled != nil {
		row["output"] = asText(data.Sampled)
	}
	switch {
	case event.Type == "error":
		e.failed++
		row["passed"], row["error_type"], row["reason"] = false, data.Type, asText(data.Message)
	case data.Correct != nil:
		row["passed"], row["score"] = *data.Correct, 0
		if *data.Correct {
			row["score"] = 1
		}
	default:
		score := data.Accuracy
		if score == nil {
			score = data.Score
		}
		row["score"], row["passed"] = score, score != nil && *score >= 1
	}
	if row["passed"] == true {
		e.passed++
	}
	return envelopeOf("eval_result", event.RunID+"/"+event.EventID.String(), row), nil
}

// run returns the row of the run.
func (e *evalsRows) run(report json.RawMessage) any {
	var score struct{ Accuracy, Score *float64 }
	_ = json.Unmarshal(report, &score) // a report of another form has no score
	if score.Accuracy == nil {
		score.Accuracy = score.Score
	}
	row := map[string]any{
		"run_id": e.spec.RunID, "suite": e.spec.EvalName, "model": strings.Join(e.spec.CompletionFns, ","), "status": "completed", "case_count": e.graded,
		"passed_count": e.passed, "error_count": e.failed, "score": score.Accuracy, "config": e.rawSpec, "payload": report, "started_at": utcMillis(e.spec.CreatedAt),
	}
	if e.last != "" {
		row["ended_at"] = utcMillis(e.last)
	}
	return envelopeOf("eval_run", e.spec.RunID, row)
}

// envelopeOf returns a fact.
func envelopeOf(schema, id string, data map[string]any) any {
	return map[string]any{"schema": schema, "id": id, "data": data}
}

// asText returns the value of a string, a list of one as that, and anything else as the text
// of its JSON. What is missing or null is empty.
func asText(raw json.RawMessage) any {
	var one []json.RawMessage
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		return raw
	case json.Unmarshal(raw, &one) == nil && len(one) == 1 && one[0][0] == '"':
		return one[0]
	}
	return string(raw)
}

// utcMillis returns a time as a datetime64 takes it, without what is below a millisecond;
// one without an offset is UTC. Anything else it returns as it is.
func utcMillis(text string) string {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		}
	}
	return text
}
