// Package safefile writes files that appear whole or not at all, and opens for reading
// regular files alone.
//
// Files and folders get the permissions that the umask leaves of 666 and 777; a
// file that is replaced keeps those it has. No link is followed that a user other
// than this one, root and the owner of its folder has put there: in a folder that
// all can write, such as /tmp, it could lead to any file of this user's.
package safefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// Permissions of what is made, before the umask.
const (
	FileMode   = 0o666
	folderMode = 0o777
)

// Write writes data to path, a file that a user named. A file is replaced as
// [Replace] does; of a link, the file that it leads to. What is no regular file,
// such as a pipe or a device, is written into, and a folder refused.
func Write(path string, data []byte) error {
	file, err := Follow(path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeInto(path, data)
	}
	return Replace(file, data)
}

func writeInto(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Replace gives the file at path the content data: all of it, durably, or on an
// error none of it. A link at path is replaced, not followed; what is neither a
// link nor a regular file is refused. A process that is killed may leave a file
// beside it of which [Temporary] is true.
func Replace(path string, data []byte) error {
	return ReplaceWith(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// ReplaceWith is [Replace] with the content that write writes.
func ReplaceWith(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		if err := regular("replace", path, info); err != nil {
			return err
		}
	}
	folder := filepath.Dir(path)
	file, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder),
		renameio.WithPermissions(FileMode), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if err := write(file); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncFolder(folder)
}

// Temporary tells whether a file bears such a name as [Replace] gives it before
// its final one: a dot, the final name and a random number below 2^63, of which
// all but one in a thousand million have ten digits or more.
func Temporary(name string) bool {
	const digits = 10
	stem := strings.TrimRight(name, "0123456789")
	return strings.HasPrefix(name, ".") && len(name)-len(stem) >= digits
}

// RemoveTemporary removes the temporary files in a folder that killed processes
// have left. Call it where no other process is writing.
func RemoveTemporary(folder string) error {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if Temporary(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
	}
	return err
}

// MkdirAll makes the folder and those above it.
func MkdirAll(folder string) error {
	folder, err := Follow(folder)
	if err != nil {
		return err
	}
	return os.MkdirAll(folder, folderMode)
}

// SyncFolder makes the names in a folder outlast a power failure.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
