package bulk

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

func packZstd(t *testing.T, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return w.EncodeAll(content, nil)
}

func packXz(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	require.NoError(t, err)
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// bzip2Lines is what bzip2 makes of lines(0, 20); Go has no compressor for it.
const bzip2Lines = "QlpoOTFBWSZTWfkebuYAANpZgH//kAR/8AYgBEogAJUM96qAfqgAANAAVJUAADRkANNL5GBFR7/EfSMCLiMkhbdu38OPKzn0tuta/DHLPTXbd3HPXfiSSSSTkAzPAAAAAeBGBF5GIiwiiKCqYEUGKoKg7EUR/F3JFOFCQ+R5u5g="

func unpackBzip2Lines(t *testing.T) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(bzip2Lines)
	require.NoError(t, err)
	return b
}

// readSource opens data as an input and reads all of it.
func readSource(data []byte) (kind compression, text []byte, err error) {
	var n atomic.Int64
	s, err := openSource(context.Background(), &inputFile{stdin: true, stream: true}, bytes.NewReader(data), &n)
	if err != nil {
		return 0, nil, err
	}
	text, err = io.ReadAll(s)
	kind = s.kind
	if closed := s.Close(); err == nil {
		err = closed
	}
	return kind, text, err
}

func TestOpenSourceUnpacksByContent(t *testing.T) {
	t.Parallel()
	text := lines(0, 20)
	twice := append(bytes.Clone(text), text...)
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	skippable := []byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	for name, c := range map[string]struct {
		data []byte
		kind compression
		want []byte
	}{
		"empty":               {nil, plain, nil},
		"plain":               {text, plain, text},
		"one byte":            {[]byte("{"), plain, []byte("{")},
		"gzip":                {packGzip(t, text), gzipped, text},
		"gzip of nothing":     {packGzip(t, nil), gzipped, nil},
		"gzip, two members":   {cat(packGzip(t, text), packGzip(t, text)), gzipped, twice},
		"gzip, zero padding":  {cat(packGzip(t, text), packGzip(t, text), make([]byte, 1000)), gzipped, twice},
		"gzip, empty members": {cat(bytes.Repeat(packGzip(t, nil), 1000), packGzip(t, text)), gzipped, text},
		"zstd":                {packZstd(t, text), zstandard, text},
		"zstd, two frames":    {cat(packZstd(t, text), packZstd(t, text)), zstandard, twice},
		"zstd, skippable":     {cat(skippable, packZstd(t, text)), zstandard, text},
		"bzip2":               {unpackBzip2Lines(t), bzipped, text},
		"bzip2, two streams":  {cat(unpackBzip2Lines(t), unpackBzip2Lines(t)), bzipped, twice},
		"xz":                  {packXz(t, text), xzipped, text},
		"xz, two streams":     {cat(packXz(t, text), packXz(t, text)), xzipped, twice},
		"text like bzip2":     {[]byte("BZh9 is how it begins"), plain, []byte("BZh9 is how it begins")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind, got, err := readSource(c.data)
			require.NoError(t, err)
			require.Equal(t, c.kind, kind)
			require.Equal(t, string(c.want), string(got))
		})
	}
}

// TestOpenSourceNoticesCuts cuts packed data everywhere: what is left must
// never pass for a whole file.
func TestOpenSourceNoticesCuts(t *testing.T) {
	t.Parallel()
	text := lines(0, 20)
	for name, data := range map[string][]byte{
		"gzip": packGzip(t, text), "zstd": packZstd(t, text), "bzip2": unpackBzip2Lines(t), "xz": packXz(t, text),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 10; n < len(data); n++ {
				kind, got, err := readSource(data[:n])
				require.Error(t, err, "cut to %d of %d bytes, %s, gives %d bytes", n, len(data), kind, len(got))
				require.ErrorContains(t, err, name+" data")
				require.True(t, bytes.HasPrefix(text, got))
			}
		})
	}
}

func TestOpenSourceNoticesDamage(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"gzip": packGzip(t, lines(0, 20)), "xz": packXz(t, lines(0, 20)), "bzip2": unpackBzip2Lines(t), "zstd": packZstd(t, lines(0, 20)),
	} {
		data[len(data)/2] ^= 0x55
		_, _, err := readSource(data)
		require.ErrorContains(t, err, name+" data", name)
	}
	for _, behind := range []string{"trailing garbage", "\x00\x00garbage", "\x00" + string(packGzip(t, nil))} {
		_, _, err := readSource(append(packGzip(t, lines(0, 20)), behind...))
		require.ErrorContains(t, err, "gzip data is damaged")
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ head, want string }{
		"empty":      {"", ""},
		"text":       {"{}\n", ""},
		"utf-8":      {"{\"a\":\"é\"}", ""},
		"nul":        {"{}\n\x00", "NUL byte at offset 3"},
		"zip":        {"PK\x03\x04abc", "ZIP archive"},
		"lz4":        {"\x04\x22\x4d\x18abc", "lz4 -dc"},
		"parquet":    {"PAR1abc", "Parquet"},
		"utf-16":     {"\xff\xfe{\x00", "iconv"},
		"utf-16 be":  {"\xfe\xff\x00{", "iconv"},
		"twice":      {"\x1f\x8b\x08\x00", "gzip again"},
		"tar":        {strings.Repeat("\x00", 257) + "ustar\x00", "tar -xOf"},
		"long plain": {strings.Repeat("x", sniffBytes) + "\x00", ""},
	} {
		err := checkText([]byte(c.head))
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, ErrNotText, name)
		require.ErrorContains(t, err, c.want, name)
	}
}
