// Package compressed makes compressed content for tests.
package compressed

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

// Gzip returns the content compressed with gzip.
func Gzip(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Zstd returns the content compressed with zstd.
func Zstd(t testing.TB, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return w.EncodeAll(content, nil)
}

// Xz returns the content compressed with xz.
func Xz(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// BzippedText returns 20 lines of JSON, the content of Bzip2.
func BzippedText() []byte {
	var b bytes.Buffer
	for i := range 20 {
		fmt.Fprintf(&b, `{"id":%d,"text":"%s"}`+"\n", i, strings.Repeat("x", i))
	}
	return b.Bytes()
}

// bzipped is what bzip2 makes of BzippedText; Go has no compressor for it.
const bzipped = "QlpoOTFBWSZTWfkebuYAANpZgH//kAR/8AYgBEogAJUM96qAfqgAANAAVJUAADRkANNL5GBFR7/EfSMCLiMkhbdu38OPKzn0tuta/DHLPTXbd3HPXfiSSSSTkAzPAAAAAeBGBF5GIiwiiKCqYEUGKoKg7EUR/F3JFOFCQ+R5u5g="

// Bzip2 returns BzippedText compressed with bzip2.
func Bzip2(t testing.TB) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(bzipped)
	require.NoError(t, err)
	return b
}
