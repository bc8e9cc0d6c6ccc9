package input

import (
	"bytes"
	"errors"
	"fmt"
)

// Compression is how an input is compressed, as its first bytes tell.
type Compression uint8

const (
	// Plain is what is not compressed.
	Plain Compression = iota
	gzipKind
	zstdKind
	bzip2Kind
	xzKind
)

// String returns the name of the compression, "none" for Plain.
func (c Compression) String() string {
	switch c {
	case gzipKind:
		return "gzip"
	case zstdKind:
		return "zstd"
	case bzip2Kind:
		return "bzip2"
	case xzKind:
		return "xz"
	}
	return "none"
}

// magics are the first bytes of what can be decompressed.
var magics = []struct {
	prefix string
	kind   Compression
}{
	{"\x1f\x8b", gzipKind},
	{"\x28\xb5\x2f\xfd", zstdKind},
	{"BZh", bzip2Kind},
	{"\xfd7zXZ\x00", xzKind},
}

// sniffBytes is how much of an input is looked at to tell what it is.
const sniffBytes = 4096

// sniff tells how an input that begins with head is compressed. The name of the
// file plays no part.
func sniff(head []byte) Compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) && (m.kind != bzip2Kind || isBzip2(head)) {
			return m.kind
		}
	}
	if isSkippableFrame(head) {
		return zstdKind
	}
	return Plain
}

// isBzip2 tells a bzip2 header from text that begins with the same letters.
func isBzip2(head []byte) bool {
	return len(head) >= 10 && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isSkippableFrame reports whether head begins with a zstd skippable frame,
// which some tools put in front of the first real one.
func isSkippableFrame(head []byte) bool {
	return len(head) >= 4 && head[0]&0xF0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// foreign are the first bytes of formats that people have by mistake or on the
// way, with what to do about them.
var foreign = []struct{ prefix, advice string }{
	{"PK\x03\x04", "it is a ZIP archive within another file or from standard input: name the archive itself"},
	{"\x04\x22\x4d\x18", "it is compressed with lz4: decompress it first, for example lz4 -dc FILE | factload load -"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it first"},
	{"Obj\x01", "it is an Avro file: convert it to JSON lines first"},
	{"ARROW1", "it is an Arrow file: convert it to JSON lines first"},
	{"\xff\x06\x00\x00sNaPpY", "it is compressed with snappy: decompress it first"},
	{"\xff\xfe", "it is UTF-16 text: convert it first, for example iconv -f UTF-16 -t UTF-8 FILE | factload load -"},
	{"\xfe\xff", "it is UTF-16 text: convert it first, for example iconv -f UTF-16 -t UTF-8 FILE | factload load -"},
}

// ErrNotText means that an input is no text, so that there are no lines to
// read from it.
var ErrNotText = errors.New("not a text file")

// CheckText looks at the first (decompressed) bytes of an input and refuses
// what cannot be JSON lines: a binary file would otherwise end as a million
// rejected rows.
func CheckText(head []byte) error {
	head = head[:min(len(head), sniffBytes)]
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.prefix)) {
			return fmt.Errorf("%w: %s", ErrNotText, f.advice)
		}
	}
	if kind := sniff(head); kind != Plain {
		return fmt.Errorf("%w: what is compressed in it is %s again: decompress it once", ErrNotText, kind)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		if len(head) > 262 && string(head[257:262]) == "ustar" {
			return fmt.Errorf("%w: it is a tar archive: unpack it first, for example tar -xOf FILE | factload load -", ErrNotText)
		}
		return fmt.Errorf("%w: it has a NUL byte at offset %d: JSON lines are expected, plain or compressed with gzip, zstd, bzip2 or xz", ErrNotText, i)
	}
	return nil
}
