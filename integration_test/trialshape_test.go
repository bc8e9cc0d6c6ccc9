package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// shape is what the tables of a trial are like, and how facts come to them.
type shape struct {
	partitions bool // facts of one insert fall into several
	view       bool // one takes the facts of the first table into another
	check      bool // the first table has a constraint that some facts break
	replacing  bool // the second table's engine merges rows with the same key
	buffered   bool
	compressed bool // rows have checksums on their way
}

func newShape(rng *rand.Rand, native bool) shape {
	odd := func() bool { return rng.IntN(2) == 1 }
	return shape{partitions: odd(), view: odd(), check: odd(), replacing: odd(), buffered: rng.IntN(3) == 0, compressed: native && odd()}
}

// schemas are the tables of a trial.
func (s shape) schemas() []fact.Schema {
	second := answers()
	second.Name = "second"
	if s.replacing {
		second.OrderBy = []string{"id"} // what is merged away is told by its key
		second.ReplaceBy = "created_at"
	}
	return []fact.Schema{answers(), second}
}

func (s shape) options() map[string]ddl.Options {
	options := make(map[string]ddl.Options)
	if s.partitions {
		options["answer"] = ddl.Options{PartitionBy: "tokens % 3"}
		options["second"] = ddl.Options{PartitionBy: "cityHash64(id) % 4"}
	}
	return options
}

// final is what counts the rows of a table as its engine means them.
func (s shape) final(table string) string {
	if s.replacing && table == "second" {
		return " FINAL"
	}
	return ""
}

// dress adds what a schema does not say to the tables, which are there.
func (tr *trial) dress() {
	tr.Helper()
	if tr.shape.check {
		tr.db.Exec(tr, "ALTER TABLE answer ADD CONSTRAINT kept CHECK tokens % 50 != 49")
	}
	if tr.shape.view {
		tr.db.Exec(tr, "CREATE TABLE target (id String, tokens UInt32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000")
		tr.db.Exec(tr, "CREATE MATERIALIZED VIEW view TO target AS SELECT id, tokens FROM answer")
	}
}

// undress lets the log be replayed whole.
func (tr *trial) undress() {
	tr.Helper()
	if tr.shape.check {
		tr.db.Exec(tr, "ALTER TABLE answer DROP CONSTRAINT kept")
	}
}

// judgeTargets compares what the view fills with its table: the facts that were
// acknowledged and, after a replay, all.
func (tr *trial) judgeTargets(after string) {
	tr.Helper()
	if !tr.shape.view {
		return
	}
	text := tr.db.Query(tr, "SELECT id, countIf(t = 'answer') AS stored, countIf(t = 'target') AS seen FROM "+
		"(SELECT id, 'answer' AS t FROM answer UNION ALL SELECT id, 'target' FROM target) GROUP BY id HAVING stored != seen")
	for line := range strings.Lines(text) {
		var id string
		var rows, seen int
		if _, err := fmt.Sscan(line, &id, &rows, &seen); err != nil {
			tr.Errorf("%q: %v", line, err)
			return
		}
		if seen > 1 || after != "" || tr.ledger.acknowledges("answer "+id) {
			tr.ledger.counts.targets++
			tr.Errorf("%s after %s%s: fact %q is in its table %d times, and in the target of a view %d times",
				tr.name, strings.Join(tr.happened, ", "), after, id, rows, seen)
		}
	}
}
