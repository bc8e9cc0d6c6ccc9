package load

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/bulk"
	"github.com/factload/factload/cmd/factload/internal/show"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	s := bulk.Summary{
		Rows: 1200, Rejected: 3, Bytes: 3 << 20, Seconds: 1.5, SkippedRows: 7, SkippedRejected: 2,
		Files: []bulk.FileSummary{{
			File: "b.jsonl", SkippedChunks: 1, SkippedRows: 7, SkippedRejected: 2,
			Loaded: &bulk.Loaded{File: "/data/a.jsonl", Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)},
		}},
		Reasons:      map[string]int64{"range": 1, "unknown_key": 2},
		FirstRejects: []*bulk.RowError{{File: "b.jsonl", Line: 4, Schema: "message", Err: errors.New("no good")}},
	}
	var out, errs bytes.Buffer
	require.NoError(t, printer{out: &out, err: &errs, rejects: "bad.jsonl"}.write(s, false))
	require.Equal(t, "b.jsonl: 7 rows loaded already and 2 rejected on 2026-11-01 12:00:00 UTC from /data/a.jsonl, skipped (--force stores its rows once more)\n"+
		"loaded 1,200 rows in 1.50 s (3MiB, 800 rows/s, 2MiB/s), skipped 7, rejected 3, rejected before 2\n", out.String())
	require.Equal(t, "2 rows of what was loaded before had been rejected and are not in a table: "+
		"when the schema is fixed, the same load with --retry-rejected loads them; factload check --rejects FILE writes such rows to a file\n"+
		"b.jsonl:4: message: no good\nand 2 more\n"+
		"rejected 3 rows (unknown_key 2, range 1): they are in bad.jsonl; when the schema is fixed, the same load with --retry-rejected loads them\n", errs.String())

	out.Reset()
	require.NoError(t, printer{out: &out, err: &errs}.write(bulk.Summary{Rows: 1, Seconds: 2}, true))
	require.JSONEq(t, `{"rows":1,"rejected":0,"bytes":0,"seconds":2,"chunks":0,"skipped_chunks":0,"skipped_rows":0,"skipped_rejected":0,"skipped_bytes":0,"files":null}`, out.String())
}

func TestSummaryOfManyFiles(t *testing.T) {
	t.Parallel()
	s := bulk.Summary{Files: []bulk.FileSummary{{File: "new.jsonl", Chunks: 1}}}
	for i := range 1000 {
		s.Files = append(s.Files, bulk.FileSummary{File: fmt.Sprintf("m%03d.jsonl", i), SkippedChunks: 1, SkippedRows: 7})
	}
	var out bytes.Buffer
	require.NoError(t, printer{out: &out, err: &out}.write(s, false))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, maxFileNotes+2)
	require.Equal(t, "m019.jsonl: 7 rows loaded already, skipped (--force stores its rows once more)", lines[19])
	require.Equal(t, "and 980 more files that are empty or loaded already (--json has all of them)", lines[20])
}

func TestProgressLine(t *testing.T) {
	t.Parallel()
	now := bulk.Progress{
		Read: 1 << 20, Total: 4 << 20, Rows: 5000, Rejected: 2, SkippedRows: 3000,
		Elapsed: 2 * time.Second, File: "logs/a.jsonl.gz", Index: 1, Files: 2,
	}
	for width, want := range map[int]string{
		200: "[######..................]  25%  1MiB of 4MiB  5,000 rows  2,500 rows/s  3,000 skipped  2 rejected  6s left  file 1 of 2 a.jsonl.gz",
		120: "[##........]  25%  1MiB of 4MiB  5,000 rows  2,500 rows/s  3,000 skipped  2 rejected  6s left  file 1 of 2 a.jsonl.gz",
		110: "[##........]  25%  1MiB of 4MiB  5,000 rows  2,500 rows/s  3,000 skipped  2 rejected  6s left  file 1 of 2",
		100: "[##........]  25%  1MiB  5,000 rows  2,500 rows/s  3,000 skipped  2 rejected  6s left  file 1 of 2",
		90:  " 25%  1MiB  5,000 rows  2,500 rows/s  3,000 skipped  2 rejected  6s left  file 1 of 2",
		79:  " 25%  1MiB  5,000 rows  3,000 skipped  2 rejected  6s left  file 1 of 2",
		20:  " 25%  1MiB  5,000 ro",
		0:   "",
	} {
		require.Equal(t, want, progressLine(now, width), width)
	}
	now.Read, now.SkippedRows, now.Files = now.Total, 0, 1
	require.Equal(t, "[##########] 100%  4MiB  5,000 rows  2,500 rows/s  2 rejected  all read, finishing", progressLine(now, 84))
	now.Done = true
	require.NotContains(t, progressLine(now, 200), "finishing")
	require.Equal(t, "1.5MiB  7 rows  7 rows/s", progressLine(bulk.Progress{Read: 3 << 19, Rows: 7, Elapsed: time.Second, Files: 1}, 80), "of standard input")
}

func TestProgressInLog(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := &progress{line: show.NewLine(&w), log: slog.New(slog.NewTextHandler(&w, nil))}
	p.show(bulk.Progress{Elapsed: 9 * time.Second, Rows: 1})
	require.Empty(t, w.String())
	p.show(bulk.Progress{Elapsed: 11 * time.Second, Rows: 22, File: "a.jsonl", Index: 1, Files: 1})
	p.show(bulk.Progress{Elapsed: 12 * time.Second, Rows: 33})
	require.Contains(t, w.String(), "rows=22")
	require.NotContains(t, w.String(), "rows=33")
}
