package yamltext

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bgmd/bgmd/internal/safefile"
)

// Standard is what a file is called that is standard input.
const Standard = "-"

// maxSource is more than any configuration or grid needs, in bytes.
const maxSource = 1 << 20

// Read reads the file of a configuration or a grid. That is a regular file, or
// one that the shell has opened, such as /dev/stdin, whatever it is, or [Standard]
// input. Its errors do not say the file's name.
func Read(path string) ([]byte, fs.FileInfo, error) {
	open := safefile.Open
	if path == Standard {
		open = func(string) (*os.File, error) { return os.Stdin, nil }
	} else if path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/") {
		open = os.Open
	}
	file, err := open(path)
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	source, err := io.ReadAll(io.LimitReader(file, maxSource+1))
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if len(source) > maxSource {
		return nil, nil, fmt.Errorf("it is larger than %d MiB, want a configuration", maxSource>>20)
	}
	return source, info, nil
}

// Stem is a file's name without its folder and ending, for what is named after it.
func Stem(file string) string {
	if file == Standard {
		return "standard-input"
	}
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}

func withoutPath(err error) error {
	if reason, ok := errors.AsType[*fs.PathError](err); ok {
		return reason.Err
	}
	return err
}
