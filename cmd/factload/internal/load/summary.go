package load

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/show"
)

// printer prints the summary of a load: what was done to out, what a person has
// to look at to err. Warnings have been logged by then.
type printer struct {
	out, err io.Writer
	dryRun   bool
	failed   bool   // an error follows the summary
	each     bool   // each of several files has a line
	rejects  string // path of the rejects file
}

func (r printer) write(s bulk.Summary, asJSON bool) error {
	r.err = show.Writer{To: r.err}
	r.printRejects(s)
	if asJSON {
		return json.NewEncoder(r.out).Encode(s)
	}
	r.out = show.Writer{To: r.out}
	r.printFiles(s.Files)
	if r.failed && s.Chunks+s.SkippedChunks == 0 {
		return nil // nothing was done: the error says it all
	}
	_, err := fmt.Fprintln(r.out, r.text(s))
	return err
}

// maxFileNotes is how many files have a line of their own, when there is
// something special about them.
const maxFileNotes = 20

// printFiles tells what is special about files, of the first ones in full.
func (r printer) printFiles(files []bulk.FileSummary) {
	notes := 0
	each := r.each && len(files) > 1 && len(files) <= maxFileNotes
	for i := range files {
		text := r.fileText(&files[i])
		if text == "" && each {
			text = loadedText(&files[i])
		}
		if text == "" {
			continue
		}
		if notes++; notes <= maxFileNotes {
			fmt.Fprintln(r.out, text)
		}
	}
	if more := notes - maxFileNotes; more > 0 {
		fmt.Fprintf(r.out, "and %s more files that are empty or loaded already (--json has all of them)\n", show.Thousands(int64(more)))
	}
}

// printRejects shows the first rejected rows, counts them by reason, and says
// where all of them are.
func (r printer) printRejects(s bulk.Summary) {
	if s.SkippedRejected > 0 {
		fmt.Fprintf(r.err, "%s of what was loaded before had been rejected and %s not in a table: "+
			"when the schema is fixed, the same load with --retry-rejected loads them; factload check --rejects FILE writes such rows to a file\n", show.Rows(s.SkippedRejected), isAre(s.SkippedRejected))
	}
	if s.Rejected == 0 {
		return
	}
	for _, reject := range s.FirstRejects {
		fmt.Fprintln(r.err, reject)
	}
	if more := s.Rejected - int64(len(s.FirstRejects)); more > 0 {
		fmt.Fprintf(r.err, "and %s more\n", show.Thousands(more))
	}
	reasons := slices.SortedFunc(maps.Keys(s.Reasons), func(a, b string) int {
		if s.Reasons[a] != s.Reasons[b] {
			return int(min(max(s.Reasons[b]-s.Reasons[a], -1), 1))
		}
		return strings.Compare(a, b)
	})
	for i, name := range reasons {
		reasons[i] = name + " " + show.Thousands(s.Reasons[name])
	}
	where := "factload check --rejects FILE writes them to a file"
	switch {
	case r.rejects != "":
		where = "they are in " + r.rejects
	case r.dryRun:
		where = "--rejects FILE writes them to a file"
	}
	if !r.dryRun {
		where += "; when the schema is fixed, the same load with --retry-rejected loads them"
	}
	fmt.Fprintf(r.err, "rejected %s (%s): %s\n", show.Rows(s.Rejected), strings.Join(reasons, ", "), where)
	if s.Reasons["line_too_long"] > 0 {
		fmt.Fprintln(r.err, "--max-line-bytes allows longer lines")
	}
}

// fileText says what is special about a file: that it is empty, or was loaded
// before.
func (r printer) fileText(f *bulk.FileSummary) string {
	switch {
	case f.Chunks+f.SkippedChunks == 0 && !r.failed:
		return f.File + ": no rows in it"
	case f.SkippedChunks == 0:
		return ""
	}
	text := fmt.Sprintf("%s: %s loaded already", f.File, show.Rows(f.SkippedRows))
	if f.SkippedRejected > 0 {
		text += fmt.Sprintf(" and %s rejected", show.Thousands(f.SkippedRejected))
	}
	if f.Loaded != nil {
		text += " on " + f.Loaded.Time.UTC().Format(time.DateTime) + " UTC"
		if path, err := filepath.Abs(f.File); err != nil || path != f.Loaded.File {
			text += " from " + f.Loaded.File
		}
	}
	if f.SkippedRows == 0 && f.SkippedRejected > 0 {
		return text + ", skipped (--retry-rejected tries them again)"
	}
	return text + ", skipped (--force stores its rows once more)"
}

// loadedText says what was loaded of a file.
func loadedText(f *bulk.FileSummary) string {
	text := fmt.Sprintf("%s: %s (%s)", f.File, show.Rows(f.Rows), units.BytesSize(float64(f.Bytes)))
	if f.Rejected > 0 {
		text += ", rejected " + show.Thousands(f.Rejected)
	}
	return text
}

// text is the last line: what was done and how fast.
func (r printer) text(s bulk.Summary) string {
	text := "loaded " + show.Rows(s.Rows)
	if r.dryRun {
		text = "checked, " + show.Rows(s.Rows) + " can be loaded"
	}
	if len(s.Files) > 1 {
		text += fmt.Sprintf(" from %d files", len(s.Files))
	}
	if r.failed {
		text += " before the failure"
	}
	text += fmt.Sprintf(" in %.2f s", s.Seconds)
	if rows, bytes := s.Throughput(); s.Rows > 0 && rows > 0 {
		text += fmt.Sprintf(" (%s, %s rows/s, %s/s)", units.BytesSize(float64(s.Bytes)), show.Thousands(int64(rows)), units.BytesSize(bytes))
	}
	if s.SkippedRows > 0 {
		text += fmt.Sprintf(", skipped %s", show.Thousands(s.SkippedRows))
	}
	if s.Rejected > 0 {
		text += fmt.Sprintf(", rejected %s", show.Thousands(s.Rejected))
	}
	if s.SkippedRejected > 0 {
		text += fmt.Sprintf(", rejected before %s", show.Thousands(s.SkippedRejected))
	}
	return text
}

func isAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
