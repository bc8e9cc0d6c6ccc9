package input

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipReader unpacks the members of a gzip file. Zero bytes behind the last one
// are passed over, as by gzip itself: tapes and some tools fill their blocks
// with them.
type gzipReader struct {
	r      *bufio.Reader
	member *gzip.Reader
}

func newGzipReader(r *bufio.Reader) (*gzipReader, error) {
	member, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gzipReader{r: r, member: member}, nil
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		if err == io.EOF { //nolint:errorlint // a wrapped io.EOF is no regular end
			err = g.next()
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// next goes on to the next member. Behind the last one it returns io.EOF.
func (g *gzipReader) next() error {
	head, err := g.r.Peek(1)
	if err != nil {
		return err
	}
	if head[0] == 0 {
		return g.padding()
	}
	if err := g.member.Reset(g.r); err != nil {
		return err
	}
	g.member.Multistream(false)
	return nil
}

// padding reads zero bytes up to the end of the file.
func (g *gzipReader) padding() error {
	for {
		b, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return gzip.ErrHeader
		}
	}
}
