package input

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/internal/compressed"
)

// readSource opens data as an input and reads all of it.
func readSource(data []byte) (kind Compression, text []byte, err error) {
	var n atomic.Int64
	s, err := Open(context.Background(), &File{Stdin: true, Stream: true}, bytes.NewReader(data), &n, Form{})
	if err != nil {
		return 0, nil, err
	}
	text, err = io.ReadAll(s)
	kind = s.Kind
	if closed := s.Close(); err == nil {
		err = closed
	}
	return kind, text, err
}

func TestOpenDecompressesByContent(t *testing.T) {
	t.Parallel()
	text := compressed.BzippedText()
	twice := append(bytes.Clone(text), text...)
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	skippable := []byte("\x50\x2a\x4d\x18\x03\x00\x00\x00abc")
	for name, c := range map[string]struct {
		data []byte
		kind Compression
		want []byte
	}{
		"empty":               {nil, Plain, nil},
		"plain":               {text, Plain, text},
		"one byte":            {[]byte("{"), Plain, []byte("{")},
		"gzip":                {compressed.Gzip(t, text), gzipKind, text},
		"gzip of nothing":     {compressed.Gzip(t, nil), gzipKind, nil},
		"gzip, two members":   {cat(compressed.Gzip(t, text), compressed.Gzip(t, text)), gzipKind, twice},
		"gzip, zero padding":  {cat(compressed.Gzip(t, text), compressed.Gzip(t, text), make([]byte, 1000)), gzipKind, twice},
		"gzip, empty members": {cat(bytes.Repeat(compressed.Gzip(t, nil), 1000), compressed.Gzip(t, text)), gzipKind, text},
		"zstd":                {compressed.Zstd(t, text), zstdKind, text},
		"zstd, two frames":    {cat(compressed.Zstd(t, text), compressed.Zstd(t, text)), zstdKind, twice},
		"zstd, skippable":     {cat(skippable, compressed.Zstd(t, text)), zstdKind, text},
		"bzip2":               {compressed.Bzip2(t), bzip2Kind, text},
		"bzip2, two streams":  {cat(compressed.Bzip2(t), compressed.Bzip2(t)), bzip2Kind, twice},
		"xz":                  {compressed.Xz(t, text), xzKind, text},
		"xz, two streams":     {cat(compressed.Xz(t, text), compressed.Xz(t, text)), xzKind, twice},
		"text like bzip2":     {[]byte("BZh9 is how it begins"), Plain, []byte("BZh9 is how it begins")},
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

// TestOpenNoticesCuts cuts packed data everywhere: what is left must
// never pass for a whole file.
func TestOpenNoticesCuts(t *testing.T) {
	t.Parallel()
	text := compressed.BzippedText()
	for name, data := range map[string][]byte{
		"gzip": compressed.Gzip(t, text), "zstd": compressed.Zstd(t, text), "bzip2": compressed.Bzip2(t), "xz": compressed.Xz(t, text),
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

func TestOpenNoticesDamage(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"gzip": compressed.Gzip(t, compressed.BzippedText()), "xz": compressed.Xz(t, compressed.BzippedText()), "bzip2": compressed.Bzip2(t), "zstd": compressed.Zstd(t, compressed.BzippedText()),
	} {
		data[len(data)/2] ^= 0x55
		_, _, err := readSource(data)
		require.ErrorContains(t, err, name+" data", name)
	}
	for _, behind := range []string{"trailing garbage", "\x00\x00garbage", "\x00" + string(compressed.Gzip(t, nil))} {
		_, _, err := readSource(append(compressed.Gzip(t, compressed.BzippedText()), behind...))
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
		"utf-16":     {"\xff\xfe{\x00", "iconv"},
		"utf-16 be":  {"\xfe\xff\x00{", "iconv"},
		"twice":      {"\x1f\x8b\x08\x00", "gzip again"},
		"tar":        {strings.Repeat("\x00", 257) + "ustar\x00", "tar -xOf"},
		"long plain": {strings.Repeat("x", sniffBytes) + "\x00", ""},
	} {
		err := CheckText([]byte(c.head))
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, ErrNotText, name)
		require.ErrorContains(t, err, c.want, name)
	}
}
