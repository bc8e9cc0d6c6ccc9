//go:build amd64 || arm64

// Package harden changes a loaded libchdb so that a client whose login fails does not end the engine.
package harden

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// libchdb runs clickhouse-local, and that tool wants to fail fast: it gives Poco, the library under its TCP servers, a
// KillingErrorHandler, whose three methods call std::terminate. A server does not want that. Whatever a connection of
// the native protocol throws ends the whole engine: a wrong password, a database that does not exist, a client that is
// killed. There is no setting for it and no function to call, so Library changes the loaded library: in the class's
// table of virtual functions it puts the methods of the base class, Poco::ErrorHandler, in the place of the three. They
// do nothing. The exception is in the engine's log by then, and the connection ends, as in a server.
//
// The two tables are found by the names that the C++ ABI keeps for every class, so this does not depend on the
// version of the library. The layout of the tables is that of the Itanium C++ ABI.
const (
	killingHandler = "19KillingErrorHandler"
	pocoHandler    = "N4Poco12ErrorHandlerE"
)

// Virtual functions of Poco::ErrorHandler: two destructors, then exception(const Poco::Exception &),
// exception(const std::exception &) and exception().
const (
	firstHandlerMethod = 2
	lastHandlerMethod  = 4
)

// Library changes the library that has been loaded from a file and that has a symbol at the given address. It must be
// called before the engine runs.
func Library(path, symbol string, address uintptr) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return err
	}
	image, err := openImage(f, symbol, address)
	if err != nil {
		return err
	}
	names, err := image.findNames(file, killingHandler, pocoHandler)
	if err != nil {
		return err
	}
	killing, err := image.findTable(names[0])
	if err != nil {
		return fmt.Errorf("class %s: %w", killingHandler, err)
	}
	poco, err := image.findTable(names[1])
	if err != nil {
		return fmt.Errorf("class %s: %w", pocoHandler, err)
	}
	return overwrite(killing[firstHandlerMethod:lastHandlerMethod+1], poco[firstHandlerMethod:lastHandlerMethod+1])
}

// image is a loaded library.
type image struct {
	strings *elf.Section // in the file
	base    uintptr      // what was added to the file's addresses
	tables  []uintptr    // the loaded section that has type descriptions and tables of virtual functions
	code    [2]uintptr   // the loaded code: from, to
}

func openImage(f *elf.File, symbol string, address uintptr) (*image, error) {
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, err
	}
	image := &image{strings: f.Section(".rodata")}
	for _, s := range symbols {
		if s.Name == symbol {
			image.base = address - uintptr(s.Value)
		}
	}
	tables, code := f.Section(".data.rel.ro"), f.Section(".text")
	if image.base == 0 || image.strings == nil || tables == nil || code == nil {
		return nil, errors.New("the library has not the expected sections")
	}
	image.tables = unsafe.Slice((*uintptr)(pointer(image.base+uintptr(tables.Addr))), tables.Size/8)
	image.code = [2]uintptr{image.base + uintptr(code.Addr), image.base + uintptr(code.Addr+code.Size)}
	return image, nil
}

// pointer is for addresses that are not Go's, so that nothing moves or frees what they point to.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// findNames returns the loaded addresses of zero-terminated strings. It maps the file once more for that, since looking
// through the loaded section would keep all of it in memory.
func (m *image) findNames(library *os.File, names ...string) ([]uintptr, error) {
	mapped, err := syscall.Mmap(int(library.Fd()), 0, int(m.strings.Offset+m.strings.Size), syscall.PROT_READ, syscall.MAP_SHARED) //nolint:gosec // sizes of a file that is loaded
	if err != nil {
		return nil, fmt.Errorf("map the library: %w", err)
	}
	defer syscall.Munmap(mapped) //nolint:errcheck // it is mapped
	found := make([]uintptr, len(names))
	for i, name := range names {
		offset := indexString(mapped[m.strings.Offset:], name)
		if offset < 0 {
			return nil, fmt.Errorf("no class %s", name)
		}
		found[i] = m.base + uintptr(m.strings.Addr) + uintptr(offset)
	}
	return found, nil
}

// indexString returns where a string is between two zero bytes, or -1. It looks for the zeros last, as most of what is
// there are zeros.
func indexString(data []byte, s string) int {
	word := []byte(s + "\x00")
	for from := 0; ; {
		offset := bytes.Index(data[from:], word)
		if offset < 0 {
			return -1
		}
		at := from + offset
		if at > 0 && data[at-1] == 0 {
			return at
		}
		from = at + 1
	}
}

// findTable returns the virtual functions of the class with the name at the given address, up to lastHandlerMethod.
//
// A type description is {its own table, its name, ...}. A table of virtual functions is {0, type description, function,
// function, ...}. The race detector need not look at a million words that no Go code has written.
//
//go:norace
func (m *image) findTable(name uintptr) ([]uintptr, error) {
	var description uintptr
	for i := 1; i < len(m.tables); i++ {
		if m.tables[i] == name {
			description = uintptr(unsafe.Pointer(&m.tables[i-1]))
			break
		}
	}
	for i := 1; description != 0 && i < len(m.tables)-lastHandlerMethod-1; i++ {
		functions := m.tables[i+1 : i+2+lastHandlerMethod]
		if m.tables[i] == description && m.tables[i-1] == 0 && m.areCode(functions) {
			return functions, nil
		}
	}
	return nil, errors.New("no table of virtual functions")
}

func (m *image) areCode(addresses []uintptr) bool {
	for _, address := range addresses {
		if address < m.code[0] || address >= m.code[1] {
			return false
		}
	}
	return true
}

// overwrite copies from over to, which is in memory that the loader has made read-only.
func overwrite(to, from []uintptr) error {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(&to[0])) &^ (page - 1)
	end := uintptr(unsafe.Pointer(&to[len(to)-1])) + unsafe.Sizeof(to[0])
	pages := unsafe.Slice((*byte)(pointer(start)), (end-start+page-1)&^(page-1))
	if err := syscall.Mprotect(pages, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		return fmt.Errorf("make memory writable: %w", err)
	}
	copy(to, from)
	if err := syscall.Mprotect(pages, syscall.PROT_READ); err != nil {
		return fmt.Errorf("make memory read-only: %w", err)
	}
	return nil
}
