package answers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// digestOf finds the digest in the comment of a view. A view that somebody has replaced has none.
var digestOf = regexp.MustCompile(`\[factload ([0-9a-f]{16})\]$`)

// create returns the statement that makes the view of a question, whether there is one or not.
func (q Question) create() string {
	return fmt.Sprintf("CREATE OR REPLACE VIEW %s AS\n%s\nCOMMENT %s", ddl.QuoteIdent(q.View()), q.SQL, ddl.QuoteString(fmt.Sprintf("%s: %s [factload %s]", q.Title, q.Question, q.digest())))
}

// digest tells a query from those of other versions.
func (q Question) digest() string {
	sum := sha256.Sum256([]byte(q.SQL))
	return hex.EncodeToString(sum[:8])
}

// Plan returns what has to be done so that the client's database has the views of the questions whose tables it has: a plan
// for each view, empty when the view is as it should be. Tables that are about to be created are named by coming.
//
// What has the name of a view and was not made by factload is an error, and is left alone. Views for which a table is missing
// are not looked at. Plans are carried out by [github.com/factload/factload/clickhouse/migrate.Migrator.Apply], in one database of one server: there is no ON
// CLUSTER.
func Plan(ctx context.Context, c *clickhouse.Client, coming ...string) ([]diff.Plan, error) {
	var tables []struct {
		Name    string `ch:"name"`
		Engine  string `ch:"engine"`
		Comment string `ch:"comment"`
	}
	if err := c.Select(ctx, &tables, "SELECT name, engine, comment FROM system.tables WHERE database = currentDatabase()"); err != nil {
		return nil, err
	}
	there, comments := slices.Clone(coming), map[string]string{}
	for _, t := range tables {
		there = append(there, t.Name)
		comments[t.Name] = t.Comment
		if t.Engine != "View" {
			comments[t.Name] = ""
		}
	}
	var plans []diff.Plan
	for _, q := range all() {
		if slices.ContainsFunc(q.Reads, func(table string) bool { return !slices.Contains(there, table) }) {
			continue
		}
		plan := diff.Plan{Table: q.View()}
		comment, exists := comments[q.View()]
		why, err := q.why(ctx, c, exists, comment)
		if err != nil {
			return nil, err
		}
		if why != "" {
			plan.Statements = []diff.Statement{{SQL: q.create(), Why: why}}
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// why says why the view has to be made, and nothing if it need not be.
func (q Question) why(ctx context.Context, c *clickhouse.Client, exists bool, comment string) (string, error) {
	digest := digestOf.FindStringSubmatch(comment)
	switch {
	case !exists:
		return "create view: " + q.Question, nil
	case digest == nil:
		return "", fmt.Errorf("%q is there, and is not a view that factload has made: rename it, or drop it for the view of the question %q", q.View(), q.Title)
	case digest[1] != q.digest():
		return "give the view the query of this version of factload", nil
	case len(q.Parameters) > 0:
		return "", nil // such a view has no columns until it is asked
	}
	have, err := c.Describe(ctx, "SELECT * FROM "+ddl.QuoteIdent(q.View()))
	if err != nil {
		return "", err
	}
	want, err := c.Describe(ctx, q.SQL)
	if e := (*clickhouse.Error)(nil); errors.As(err, &e) && e.Name == "UNKNOWN_IDENTIFIER" {
		return "", nil // the tables are older than the view: their own plans see to that
	}
	if err != nil {
		return "", err
	}
	if !slices.Equal(have, want) {
		return "make the view anew: its tables have columns of other types now", nil
	}
	return "", nil
}
