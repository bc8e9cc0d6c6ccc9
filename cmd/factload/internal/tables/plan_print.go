package tables

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/cmd/factload/internal/show"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
	"github.com/factload/factload/ddl/rebuild"
)

// planPrinter writes plans for people and for programs.
type planPrinter struct {
	w      io.Writer
	colour bool
	prune  bool

	applyCommand func(hazards []ddl.Hazard, options, names []string) string // what to type next

	schemaOf map[string]string // the schema of each table
}

func newPlanPrinter(a *cli.App, prune bool, schemaOf map[string]string) planPrinter {
	return planPrinter{w: a.Out, colour: show.IsTerminal(a.Out) && os.Getenv("NO_COLOR") == "", prune: prune, applyCommand: a.ApplyCommand, schemaOf: schemaOf}
}

// print writes the plans and what to do next.
func (p planPrinter) print(plans []migrate.HostPlan, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.w).Encode(planJSON(plans))
	}
	for _, plan := range plans {
		p.table(plan)
	}
	_, err := fmt.Fprintln(p.w, p.next(plans))
	return err
}

// table writes one plan, and nothing when there is nothing to say.
func (p planPrinter) table(plan migrate.HostPlan) {
	if len(plan.Statements)+len(plan.Notes) == 0 {
		return
	}
	what := "nothing to change"
	switch {
	case plan.Fingerprint == ddl.Absent:
		what = "to be created"
	case len(plan.Statements) > 0:
		what = show.Count(len(plan.Statements), "change")
		if plan.Storage != nil {
			what += ", " + sizeText(plan.Storage.Rows, plan.Storage.Bytes) + " stored"
		}
	}
	fmt.Fprintf(p.w, "%s: %s\n", p.bold(titleOf(plan)), what)
	for _, s := range plan.Statements {
		if kindOf(plan) == "view" { // long, and the same for everybody
			s.SQL, _, _ = strings.Cut(s.SQL, "\n")
			s.SQL += " …\n(docs/questions.md has the whole, and --json prints it)"
		}
		p.statement(s, plan.Storage)
	}
	for _, note := range plan.Notes {
		fmt.Fprintf(p.w, "  note: %s\n", note)
	}
	fmt.Fprintln(p.w)
}

// kindOf says what a plan is about: a table, or the view of a shipped question, whose plan has no fingerprint.
func kindOf(plan migrate.HostPlan) string {
	if plan.Fingerprint == "" {
		return "view"
	}
	return "table"
}

// titleOf names what a plan is about, and where that is.
func titleOf(plan migrate.HostPlan) string {
	return kindOf(plan) + " " + plan.Place()
}

func (p planPrinter) statement(s diff.Statement, storage *ddl.Storage) {
	mark, colour := "+", "32"
	switch s.Hazard {
	case ddl.MetadataOnly:
	case ddl.DropsMetadata, ddl.RewritesData:
		mark, colour = "~", "33"
	case ddl.DeletesData:
		mark, colour = "-", "31"
	case ddl.NeedsRebuild:
		mark, colour = "!", "31"
	}
	reasons := []string{s.Why}
	if s.Rebuild != nil && len(s.Rebuild.Reasons) > 0 {
		reasons = s.Rebuild.Reasons
	}
	for _, why := range reasons {
		fmt.Fprintf(p.w, "  %s %s\n", p.paint(mark, colour), why)
	}
	fmt.Fprintf(p.w, "    %s\n", p.paint(costText(s, storage), colour))
	if s.Rebuild != nil && !s.Rebuild.Finish {
		p.rebuild(s.Rebuild)
	}
	for line := range strings.Lines(s.SQL) {
		fmt.Fprintf(p.w, "      %s\n", strings.TrimRight(line, "\n"))
	}
}

// rebuild says what becomes of the rows and of those who read and write them.
func (p planPrinter) rebuild(r *rebuild.Rebuild) {
	lines := []string{
		"the table can be read all the time, and written to but for some seconds before the two change places",
		"rows that come meanwhile are copied too; counts and checksums are compared before",
		"the old table is kept as " + rebuild.BeforeName(r.On.Name, "YYYYMMDD") + " until you drop it, so that the rows take twice the disk",
	}
	for _, c := range r.Copies {
		if c.Checked {
			lines = append(lines, fmt.Sprintf("every value of %q is checked first; one that %s would lose or change stops the rebuild", c.Name, c.To))
		}
	}
	for _, line := range lines {
		fmt.Fprintf(p.w, "    %s\n", line)
	}
}

// costText says how dangerous a statement is and how much it touches.
func costText(s diff.Statement, storage *ddl.Storage) string {
	text := s.Hazard.String()
	switch s.Hazard {
	case ddl.MetadataOnly:
		return text + ": no row is touched"
	case ddl.DropsMetadata:
		return text + ": no row is touched; what goes may be somebody else's"
	case ddl.RewritesData:
		text += ": no value is lost"
	case ddl.DeletesData:
		text += ": values are lost for good"
	case ddl.NeedsRebuild:
		text += ": no statement does this in place"
		if s.Rebuild != nil {
			text = s.Hazard.String() + ": the rows are copied into a new table, which takes the place of this one"
		}
	}
	if rows, bytes := s.Touched(storage); rows > 0 {
		text += "; goes through " + sizeText(rows, bytes)
	}
	if s.Optional {
		text += "; left out unless it is allowed"
	}
	return text
}

func sizeText(rows, bytes uint64) string {
	return show.Rows(int64(rows)) + ", " + units.BytesSize(float64(bytes)) //nolint:gosec // a table has fewer rows than 2^63
}

// next says how many changes there are, and what to type to make them.
func (p planPrinter) next(plans []migrate.HostPlan) string {
	tables := 0
	var names, views []string
	for _, plan := range plans {
		if plan.Empty() {
			continue
		}
		tables++
		if kindOf(plan) == "view" {
			views = []string{"--views"}
		} else if name := p.schemaOf[plan.Table]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if n := drifted(plans); tables == 0 && n > 0 {
		return "nothing to do, but more than the schema says in " + show.Count(n, "table") + ": put it into the schema, or see what factload plan --prune drops"
	}
	if tables == 0 {
		return "nothing to do: " + allWell(len(plans))
	}
	text := fmt.Sprintf("%s to %s", show.Count(pending(plans), "change"), show.Count(tables, "table"))
	hazards, blocked := needed(plans)
	if blocked {
		return text + "; those marked ! without statements cannot be made, and as long as there are any, nothing is applied.\n" +
			"Keep the schema as the table is there, or load the rows into a table of another name."
	}
	var options []string
	if p.prune {
		options = append(options, "--prune")
	}
	return text + ". To make them:\n  " + p.applyCommand(hazards, append(options, views...), names)
}

// allWell says that so many tables were looked at and found right.
func allWell(tables int) string {
	return show.Count(tables, "table") + " as the schema says"
}

// refusal is the error when something in the plans is not allowed. The plans
// have been printed.
func (p planPrinter) refusal(plans []migrate.HostPlan, allowed []ddl.Hazard) error {
	statements := 0
	for _, plan := range plans {
		if refused, ok := errors.AsType[*diff.RefusedError](plan.Check(allowed...)); ok {
			statements += len(refused.Refused)
		}
	}
	if statements == 0 {
		return nil
	}
	return fmt.Errorf("nothing was changed: %d of these changes not permitted\n%s", statements, p.next(plans))
}

// needed returns the hazards that have to be allowed, and whether a plan has a
// step that cannot be run at all.
func needed(plans []migrate.HostPlan) (hazards []ddl.Hazard, blocked bool) {
	for _, plan := range plans {
		for _, s := range plan.Statements {
			switch {
			case s.SQL == "":
				blocked = true
			case s.Hazard != ddl.MetadataOnly && !s.Optional && !slices.Contains(hazards, s.Hazard):
				hazards = append(hazards, s.Hazard)
			}
		}
	}
	slices.Sort(hazards)
	return hazards, blocked
}

func (p planPrinter) bold(s string) string { return p.paint(s, "1") }

func (p planPrinter) paint(s, code string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// jsonPlans is what plan --json prints.
type jsonPlans struct {
	Changes int         `json:"changes"`
	Allow   []string    `json:"allow"`   // what apply needs by --allow
	Rebuild bool        `json:"rebuild"` // something needs a rebuild
	Blocked bool        `json:"blocked"` // something cannot be made at all, so nothing is
	Tables  []jsonTable `json:"tables"`
}

type jsonTable struct {
	Table      string          `json:"table"`
	Host       string          `json:"host,omitempty"` // of a cluster
	Exists     bool            `json:"exists"`
	Statements []jsonStatement `json:"statements"`
	Notes      []string        `json:"notes"`
}

type jsonStatement struct {
	SQL      string `json:"sql"`
	Hazard   string `json:"hazard"`
	Why      string `json:"why"`
	Optional bool   `json:"optional"`
	Rebuild  bool   `json:"rebuild"`
	Rows     uint64 `json:"rows"`
	Bytes    uint64 `json:"bytes"`
}

func planJSON(plans []migrate.HostPlan) jsonPlans {
	hazards, blocked := needed(plans)
	out := jsonPlans{Changes: pending(plans), Rebuild: blocked || slices.Contains(hazards, ddl.NeedsRebuild), Blocked: blocked, Allow: []string{}, Tables: []jsonTable{}}
	for _, h := range hazards {
		out.Allow = append(out.Allow, h.String())
	}
	for _, plan := range plans {
		t := jsonTable{Table: plan.Table, Host: plan.Host, Exists: plan.Fingerprint != ddl.Absent, Statements: []jsonStatement{}, Notes: append([]string{}, plan.Notes...)}
		for _, s := range plan.Statements {
			rows, bytes := s.Touched(plan.Storage)
			t.Statements = append(t.Statements, jsonStatement{SQL: s.SQL, Hazard: s.Hazard.String(), Why: s.Why, Optional: s.Optional, Rebuild: s.Rebuild != nil, Rows: rows, Bytes: bytes})
		}
		out.Tables = append(out.Tables, t)
	}
	return out
}
