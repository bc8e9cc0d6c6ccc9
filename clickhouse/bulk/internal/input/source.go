package input

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Source is an open input: a stream of decompressed bytes. It belongs to one
// goroutine at a time.
type Source struct {
	// Kind is how the input is compressed.
	Kind Compression
	// Placed means that what is read are placed lines, see [Place]: the input has its
	// rows in another form than one a line.
	Placed bool
	// Table means that the rows are those of CSV or TSV, whose cells are text.
	Table bool

	r     io.Reader     // of decompressed bytes
	rows  *bufio.Reader // of lines
	raw   *countingReader
	close []func() error
}

// countingReader counts what is read through it. The count may be read from
// any goroutine.
type countingReader struct {
	r io.Reader
	n *atomic.Int64
	// own is the count of this input alone.
	own int64
	// last are the last bytes read that were not zero, as many as tailBytes.
	last []byte
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.own += int64(n)
	c.n.Add(int64(n))
	if got := bytes.TrimRight(p[:n], "\x00"); len(got) > 0 {
		c.last = append(c.last, got[max(0, len(got)-tailBytes):]...)
		c.last = c.last[max(0, len(c.last)-tailBytes):]
	}
	return n, err
}

// countingReaderAt counts what is read through it.
type countingReaderAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

func (c *countingReaderAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(p, at)
	c.n.Add(int64(n))
	return n, err
}

// tailBytes is the length of the magic bytes that an xz stream ends with.
const tailBytes = len(xzTail)

const xzTail = "YZ"

// zstdWindow is the largest zstd window that is decompressed: that of zstd --long.
const zstdWindow = 128 << 20

// Open opens an input and decompresses it by its first bytes. read counts the
// bytes as they are stored. Decompression happens in the goroutine that reads, and
// for zstd in goroutines that end with Close.
//
// Where an input may keep its reader waiting, the end of ctx ends the open and
// every Read, which then return the cause. Regular files know nothing of ctx.
func Open(ctx context.Context, in *File, stdin io.Reader, read *atomic.Int64, form Form) (*Source, error) {
	s := &Source{}
	r, err := s.open(ctx, in, stdin)
	if err != nil {
		return nil, err
	}
	s.raw = &countingReader{r: r, n: read}
	buffered := bufio.NewReaderSize(s.raw, in.bufferBytes())
	head, err := buffered.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, s.Close())
	}
	s.Kind = sniff(head)
	if err := s.decompress(buffered); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	if s.Kind != Plain {
		buffered = bufio.NewReaderSize(readerFunc(s.decompressed), maxBuffer)
	}
	if head, _ := buffered.Peek(len(parquetMagic)); string(head) == parquetMagic {
		err = s.openParquet(buffered, r)
	} else {
		var what shape
		s.rows, what, err = rowsOf(buffered, in.Name, form)
		s.Placed, s.Table = what != lines, what == commaSeparated || what == tabSeparated
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// maxBuffer is how much of an input is read at a time.
const maxBuffer = 256 << 10

// bufferBytes returns how much of an input is read at a time: less of small ones, of which there
// may be many.
func (in *File) bufferBytes() int {
	if in.Stream || in.Size > maxBuffer {
		return maxBuffer
	}
	return headBytes
}

// openParquet reads rows of Parquet, which has to be a file: what is none, as it comes from
// standard input, is compressed or in an archive, is copied into one that is gone with the
// source. The stored bytes are r, of which some are in buffered.
func (s *Source) openParquet(buffered *bufio.Reader, r io.Reader) error {
	file, ok := r.(*os.File)
	if !ok || s.Kind != Plain {
		copied, err := os.CreateTemp("", "factload-*.parquet")
		if err != nil {
			return err
		}
		s.close = append(s.close, copied.Close)
		if err := os.Remove(copied.Name()); err != nil {
			return err
		}
		if _, err := io.Copy(copied, buffered); err != nil {
			return err
		}
		file = copied
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	rows, err := newParquetRows(&countingReaderAt{r: io.NewSectionReader(file, 0, info.Size()), n: s.raw.n}, info.Size())
	if err != nil {
		return err
	}
	s.close = append(s.close, rows.Close)
	s.rows, s.Placed = bufio.NewReaderSize(rows, headBytes), true
	return nil
}

// FirstRow returns the first row that is not blank, or the beginning of a long one,
// without reading on. It is valid until the next Read.
func (s *Source) FirstRow() ([]byte, error) {
	for n := 1; ; n = s.rows.Buffered() + 1 {
		_, err := s.rows.Peek(n)
		head, _ := s.rows.Peek(s.rows.Buffered())
		text := bytes.TrimLeft(bytes.TrimPrefix(head, BOM), " \t\r\n")
		line, _, ended := bytes.Cut(text, newline)
		if !ended && err == nil && len(head) < headBytes {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if s.Placed {
			line, _ = Row(line)
		}
		return line, nil
	}
}

// readerFunc is a Read.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// open returns the bytes of an input as they are stored.
func (s *Source) open(ctx context.Context, in *File, stdin io.Reader) (io.Reader, error) {
	detach := func(open func() (io.ReadCloser, error)) io.Reader {
		d := newDetachedReader(ctx, open)
		s.close = append(s.close, func() error { d.stop(); return nil })
		return d
	}
	if in.Stdin {
		return detach(func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }), nil
	}
	if in.Stream {
		return detach(func() (io.ReadCloser, error) { return os.Open(in.Path) }), nil
	}
	open := func() (io.ReadCloser, error) { return os.Open(in.Path) }
	if in.Archive != "" {
		open = func() (io.ReadCloser, error) { return openMember(in) }
	}
	f, err := open()
	if err != nil {
		return nil, err
	}
	s.close = append(s.close, f.Close)
	return f, nil
}

// decompress sets the reader of decompressed bytes.
func (s *Source) decompress(r *bufio.Reader) (err error) {
	switch s.Kind {
	case Plain:
		s.r = r
	case gzipKind:
		s.r, err = newGzipReader(r)
	case zstdKind:
		var d *zstd.Decoder
		d, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		s.close = append(s.close, func() error { d.Close(); return nil })
		s.r = d
	case bzip2Kind:
		s.r = bzip2.NewReader(r)
	case xzKind:
		s.r, err = xz.NewReader(r)
	}
	return err
}

// Read reads lines. Its error says what it means for the file.
func (s *Source) Read(p []byte) (int, error) { return s.rows.Read(p) }

// decompressed reads decompressed bytes.
func (s *Source) decompressed(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err == io.EOF && s.Kind == xzKind && string(s.raw.last) != xzTail { //nolint:errorlint // see below
		// The decoder takes a stream for complete that ends behind its header.
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped io.EOF is no regular end
		err = s.explain(err)
	}
	return n, err
}

// Close releases everything. It must not be called during a Read.
func (s *Source) Close() error {
	var errs []error
	for i := len(s.close) - 1; i >= 0; i-- {
		errs = append(errs, s.close[i]())
	}
	s.close = nil
	return errors.Join(errs...)
}

// explain says what an error of decompressing means for the file.
func (s *Source) explain(err error) error {
	if s.Kind == Plain {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%s data ends early, after %d compressed bytes: the file is cut: %w", s.Kind, s.raw.own, err)
	}
	return fmt.Errorf("%s data is damaged, within the first %d compressed bytes: %w", s.Kind, s.raw.own, err)
}
