package sample_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/sample"
)

func BenchmarkWrite(b *testing.B) {
	const rows = 20_000
	for _, schema := range sample.Schemas() {
		b.Run(schema, func(b *testing.B) {
			bytes, err := sample.Write(b.Context(), io.Discard, schema, rows, 1)
			require.NoError(b, err)
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				_, err := sample.Write(b.Context(), io.Discard, schema, rows, 1)
				require.NoError(b, err)
			}
		})
	}
}
