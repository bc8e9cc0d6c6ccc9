package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// way is one way of loading the file of a shape.
type way struct {
	name  string
	title string
	// load loads the file. It runs in a process of its own. A way that is a program by
	// itself has run in its place.
	load func(ctx context.Context, j job) error
	run  func(ctx context.Context, o options, j job) (measured, error)
	// elsewhere means that the rows do not go into the table.
	elsewhere bool
	// rewrites means that JSON values are written anew, so that their keys may
	// come in another order.
	rewrites bool
}

func (w way) called() string { return w.name }

func allWays() []way {
	return []way{
		{name: "factload", title: "factload (`bulk.Load`)", load: loadBulk},
		{name: "command", title: "factload (the command)", run: runCommand},
		{name: "nested", title: "factload, nested two deep", load: loadForm},
		{name: "array", title: "factload, one JSON array", load: loadForm},
		{name: "small", title: "factload, 2,000 files", load: loadForm},
		{name: "jsoneachrow", title: "HTTP `FORMAT JSONEachRow`", load: loadJSONEachRow},
		{name: "client", title: "ClickHouse's client path", load: loadClient},
		{name: "columnar", title: "clickhouse-go, columns", load: loadColumnar},
		{name: "naive", title: "clickhouse-go, maps and rows", load: loadNaive, rewrites: true},
		{name: "native", title: "Native replay, one POST", load: loadNative},
		{name: "duckdb", title: "DuckDB `read_json`, a table of its own", run: runDuckDB, elsewhere: true},
	}
}

// job is what a process is told on its standard input. It holds a password.
type job struct {
	Way     string   `json:"way"`
	Shape   string   `json:"shape"`
	Table   string   `json:"table"`
	Rows    int      `json:"rows"`
	File    string   `json:"file"`
	Native  string   `json:"native"`
	Forms   []string `json:"forms"`
	Rejects string   `json:"rejects"`
	DSN     string   `json:"dsn"`
	HTTPDSN string   `json:"http_dsn"`
	Profile string   `json:"profile"`
}

// answer is what a process says on its standard output.
type answer struct {
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error"`
}

// childArg is the argument that makes this program run one way.
const childArg = "one-way"

// childMain runs the way that standard input describes, and returns the exit
// code.
func childMain() int {
	var a answer
	begin, err := runJob(os.Stdin)
	a.Seconds = time.Since(begin).Seconds()
	if err != nil {
		a.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return 1
	}
	return 0
}

// runJob runs a way and returns when the loading began: what a process does to
// get started does not count.
func runJob(in io.Reader) (begin time.Time, err error) {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return begin, fmt.Errorf("job: %w", err)
	}
	load, err := j.work()
	if err != nil {
		return begin, err
	}
	if j.Profile != "" {
		stop, err := startProfile(j.Profile)
		if err != nil {
			return begin, err
		}
		defer stop()
	}
	begin = time.Now()
	return begin, load(context.Background(), j)
}

// work returns what the job is about.
func (j job) work() (func(context.Context, job) error, error) {
	if j.Way == prepareWay {
		return writeFiles, nil
	}
	ways, err := pick(allWays(), j.Way)
	if err != nil {
		return nil, err
	}
	if ways[0].load == nil {
		return nil, errors.New("this way is a program by itself")
	}
	return ways[0].load, nil
}

// definition returns the shape of the job.
func (j job) definition() (data, error) {
	shapes, err := pick(allShapes(), j.Shape)
	if err != nil {
		return data{}, err
	}
	d := data{shape: shapes[0], file: j.File, native: j.Native}
	d.def, err = d.shape.definition()
	return d, err
}
