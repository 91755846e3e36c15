package data

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// ErrData is wrapped by every error that says that a data file is missing or
// damaged, so that its remedy is to fetch the file.
var ErrData = errors.New("data missing or damaged")

// FileError says what is wrong with a data file and how to get a right one.
type FileError struct {
	File   string // path
	Offset int64  // place in the unzipped bytes; negative if there is none
	Found  string
	Want   string
	Fetch  string // command that fetches the file
	Err    error  // cause; nil if the contents are at fault
}

// Error is of the form
//
//	FILE: byte OFFSET: found FOUND, want WANT; get it with: FETCH
func (e *FileError) Error() string {
	place := ""
	if e.Offset >= 0 {
		place = fmt.Sprintf("byte %d: ", e.Offset)
	}
	return fmt.Sprintf("%s: %sfound %s, want %s; get it with: %s", e.File, place, e.Found, e.Want, e.Fetch)
}

// Unwrap returns [ErrData] and the cause, if any.
func (e *FileError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrData}
	}
	return []error{ErrData, e.Err}
}

// FileErrors returns the file errors that err is made of.
func FileErrors(err error) []*FileError {
	switch e := err.(type) { //nolint:errorlint // it unwraps by hand to find all of them
	case *FileError:
		return []*FileError{e}
	case interface{ Unwrap() error }:
		return FileErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*FileError
		for _, part := range e.Unwrap() {
			all = append(all, FileErrors(part)...)
		}
		return all
	}
	return nil
}

// inFile adds the file's name to file errors that have none.
func inFile(path string, err error) error {
	for _, bad := range FileErrors(err) {
		if bad.File == "" {
			bad.File = path
		}
	}
	return err
}

// lacking is an error that lists the files that are not in a folder or an
// archive, nil if there are none.
func lacking(path string, names []string) error {
	if names == nil {
		return nil
	}
	return &FileError{File: path, Offset: -1, Found: "no " + strings.Join(names, ", no "),
		Want: "all of the set's files", Err: fs.ErrNotExist}
}

// fetchCommand is the shell command that downloads a set into the data folder,
// which is "data" where the command does not say.
func fetchCommand(set, dir string) string {
	command := "bgmd data get " + set
	switch dir = filepath.Clean(dir); {
	case dir == "data":
		return command
	case strings.ContainsFunc(dir, needsQuotes):
		return command + " --dir '" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return command + " --dir " + dir
}

// needsQuotes reports whether the shell may read r as anything but itself.
func needsQuotes(r rune) bool {
	return r < 0x80 && !strings.ContainsRune("/._-+=:,@%", r) &&
		(r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}
