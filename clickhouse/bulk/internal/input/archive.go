// Package input opens what a load reads: files, directories, archives and standard input,
// unpacked, as the rows that are in them.
package input

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// memberFiles are the endings of the files that are taken from an archive, each possibly
// followed by one of compressedEndings.
var memberFiles = append([]string{".json", ".csv", ".tsv", ".parquet"}, lineFiles...)

// isArchive reports whether a regular file is a ZIP archive, by its first bytes.
func isArchive(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // whoever reads it will say so
	}
	defer f.Close()
	var head [4]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "PK\x03\x04"
}

// addArchive adds the files in a ZIP archive whose names say that they have rows, sorted,
// or the only file in it, whatever its name.
func (x *expander) addArchive(name, file string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return &Error{File: name, Err: Bare(err)}
	}
	defer archive.Close()
	var all, rows []*zip.File
	for _, member := range archive.File {
		if member.FileInfo().IsDir() || isHiddenMember(member.Name) {
			continue
		}
		all = append(all, member)
		if slices.Contains(memberFiles, path.Ext(withoutCompression(strings.ToLower(member.Name)))) {
			rows = append(rows, member)
		}
	}
	if len(all) == 1 {
		rows = all
	}
	if len(rows) == 0 {
		return &Error{File: name, Err: errors.New("the archive has no file named *" + strings.Join(memberFiles, ", *"))}
	}
	slices.SortFunc(rows, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, member := range rows {
		x.take(&File{
			Name: name + "/" + ValidText(member.Name), Path: file + "/" + member.Name, Archive: file, Member: member.Name,
			Size: int64(member.UncompressedSize64), //nolint:gosec // for the progress only
		})
	}
	return nil
}

// isHiddenMember reports whether a file in an archive, or a directory that it is in, is
// hidden, or of those that macOS adds.
func isHiddenMember(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return true
		}
	}
	return false
}

// openMember opens the input in its archive. Closing it closes both.
func openMember(in *File) (io.ReadCloser, error) {
	archive, err := zip.OpenReader(in.Archive)
	if err != nil {
		return nil, err
	}
	for _, member := range archive.File {
		if member.Name != in.Member {
			continue
		}
		if member.Flags&1 != 0 {
			return nil, errors.Join(errors.New("it is encrypted: extract it first"), archive.Close())
		}
		r, err := member.Open()
		if err != nil {
			return nil, errors.Join(err, archive.Close())
		}
		return &memberReader{ReadCloser: r, archive: archive}, nil
	}
	return nil, errors.Join(os.ErrNotExist, archive.Close())
}

type memberReader struct {
	io.ReadCloser
	archive *zip.ReadCloser
}

func (m *memberReader) Close() error { return errors.Join(m.ReadCloser.Close(), m.archive.Close()) }
