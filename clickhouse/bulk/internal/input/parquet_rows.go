package input

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// parquetMagic are the first and the last bytes of a Parquet file.
const parquetMagic = "PAR1"

// ErrParquet means that a Parquet file is damaged, or has what cannot be read.
var ErrParquet = errors.New("the Parquet file cannot be read")

// parquetRows turns a Parquet file into placed lines: each row is one JSON object, with its
// number as its place. It holds a page of each column, and some rows.
type parquetRows struct {
	lineMaker
	groups []parquet.RowGroup // that are not read yet
	rows   parquet.Rows       // of the group being read, or nil
	root   parquetNode

	batch   []parquet.Row
	ready   int // how many rows of batch are read, of which some have been taken
	taken   int
	number  int64           // of rows taken
	columns []parquetColumn // of one row

	line []byte
}

// parquetColumn are the values of a leaf in one row, of which some are taken.
type parquetColumn []parquet.Value

// parquetBatch is how many rows are read at a time.
const parquetBatch = 64

// newParquetRows opens a file. It does not own r.
func newParquetRows(r io.ReaderAt, size int64) (p *parquetRows, err error) {
	defer recoverParquet(&err)
	if err := checkParquetFooter(r, size); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%w: it is damaged or cut: %w", ErrParquet, err)
	}
	p = &parquetRows{groups: file.RowGroups(), batch: make([]parquet.Row, parquetBatch)}
	elements := []format.SchemaElement(file.Metadata().Schema)
	if p.root, err = newParquetNode(file.Root(), &elements, 0, 0); err != nil {
		return nil, err
	}
	p.columns, p.next = make([]parquetColumn, p.root.last), p.nextLine
	return p, nil
}

// checkParquetFooter refuses a footer that is longer than the file, for which the library would
// take as much memory as it says.
func checkParquetFooter(r io.ReaderAt, size int64) error {
	var tail [8]byte // the length of the footer, and the magic bytes
	_, err := r.ReadAt(tail[:], max(0, size-int64(len(tail))))
	if length := int64(binary.LittleEndian.Uint32(tail[:])); err != nil || length > size-int64(len(tail)) {
		return fmt.Errorf("%w: it is damaged or cut: its footer does not fit into it", ErrParquet)
	}
	return nil
}

// recoverParquet makes an error of a panic: the library checks much, and not all, of what a
// damaged file says.
func recoverParquet(err *error) {
	if fault := recover(); fault != nil {
		*err = fmt.Errorf("%w: it is damaged: %v", ErrParquet, fault)
	}
}

// nextLine makes the line of the next row.
func (p *parquetRows) nextLine() (_ []byte, err error) {
	defer recoverParquet(&err)
	for p.taken == p.ready {
		if err := p.readRows(); err != nil {
			return nil, err
		}
	}
	row := p.batch[p.taken]
	p.taken++
	at := Place{Offset: p.number, Line: p.number + 1}
	p.number++
	clear(p.columns)
	row.Range(func(i int, values []parquet.Value) bool { p.columns[i] = values; return true })
	p.line, err = p.root.appendObject(at.append(p.line[:0]), p.columns)
	var bad *cellError
	switch {
	case errors.As(err, &bad):
		p.line = at.appendFault(p.line[:0], bad.Error())
	case err != nil:
		return nil, err
	}
	for i := range p.columns {
		if bad == nil && len(p.columns[i]) > 0 {
			return nil, fmt.Errorf("%w: row %d has more values in a column than its schema tells", ErrParquet, p.number)
		}
	}
	return p.line, nil
}

// readRows reads the next rows, if there are any.
func (p *parquetRows) readRows() error {
	if p.rows == nil {
		if len(p.groups) == 0 {
			return io.EOF
		}
		p.rows, p.groups = p.groups[0].Rows(), p.groups[1:]
	}
	n, err := p.rows.ReadRows(p.batch)
	p.taken, p.ready = 0, n
	if err == nil && n == 0 {
		err = io.ErrNoProgress
	}
	if errors.Is(err, io.EOF) {
		err = p.rows.Close()
		p.rows = nil
	}
	if err != nil {
		return fmt.Errorf("%w: behind row %d: %w", ErrParquet, p.number+int64(n), err)
	}
	return nil
}

// Close releases what is held of the file.
func (p *parquetRows) Close() (err error) {
	defer recoverParquet(&err)
	if p.rows == nil {
		return nil
	}
	err = p.rows.Close()
	p.rows = nil
	return err
}
