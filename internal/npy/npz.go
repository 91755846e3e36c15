package npy

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// isArchive reports whether a ZIP archive begins here, which .npz files are.
func isArchive(in *bufio.Reader) bool {
	start, err := in.Peek(4)
	return err == nil && string(start) == "PK\x03\x04"
}

// readArchive reads an archive with one array, stored or compressed.
func readArchive(in io.Reader, fits func(rows, cols int) error) (Matrix, error) {
	contents, err := io.ReadAll(in)
	if err != nil {
		return Matrix{}, err
	}
	archive, err := zip.NewReader(bytes.NewReader(contents), int64(len(contents)))
	if err != nil {
		return Matrix{}, bad("the archive is damaged: %w", err)
	}
	if len(archive.File) != 1 {
		return Matrix{}, bad("the archive holds %d arrays%s, want one: save the array by itself with numpy.save", len(archive.File), names(archive))
	}
	m, err := readMember(archive.File[0], fits)
	switch {
	case errors.Is(err, ErrFormat):
		return Matrix{}, fmt.Errorf("%q in the archive: %w", archive.File[0].Name, err)
	case err != nil:
		return Matrix{}, bad("%q in the archive is damaged: %w", archive.File[0].Name, err)
	}
	return m, nil
}

func readMember(f *zip.File, fits func(rows, cols int) error) (Matrix, error) {
	member, err := f.Open()
	if err != nil {
		return Matrix{}, err
	}
	defer member.Close()
	return readArray(bufio.NewReaderSize(member, mostHeader), fits)
}

// names lists the first arrays of an archive.
func names(archive *zip.Reader) string {
	const most = 8
	var list []string
	for _, f := range archive.File[:min(most, len(archive.File))] {
		list = append(list, strings.TrimSuffix(f.Name, ".npy"))
	}
	if len(archive.File) > most {
		list = append(list, "…")
	}
	if list == nil {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}
