//go:build goexperiment.jsonv2

package block

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"testing"
)

// BenchmarkJSONText reads the same lines with the strict reader of the coming
// encoding/json/v2, token by token, into nothing:
//
//	GOEXPERIMENT=jsonv2 go test ./clickhouse/block -run '^$' -bench JSONText
func BenchmarkJSONText(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			lines, size := s.lines(benchRows)
			all := bytes.Join(lines, []byte("\n"))
			var r bytes.Reader
			d := jsontext.NewDecoder(&r)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(all)
				d.Reset(&r)
				for {
					if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
