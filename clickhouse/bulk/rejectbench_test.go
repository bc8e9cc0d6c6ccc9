package bulk

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReject decodes rows that are all bad, for a rejects file.
func BenchmarkReject(b *testing.B) {
	var buf bytes.Buffer
	const rows = 20_000
	for i := range rows {
		fmt.Fprintf(&buf, `{"id":"%d","text":"xxxxxxxx"}`+"\n", i)
	}
	cfg := Config{Targets: map[string]Target{"items": items()}, Schema: "items", Format: Rows, Rejects: filepath.Join(b.TempDir(), "rejects")}.withDefaults()
	tables, err := newTables(cfg.Targets, cfg.Schema, cfg.Decode)
	require.NoError(b, err)
	d := newDecoder(&cfg, tables)
	p := &piece{data: buf.Bytes(), line: 1}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	for b.Loop() {
		res := decodeOne(b, d, p)
		require.EqualValues(b, rows, res.rejected)
		res.close()
	}
}
