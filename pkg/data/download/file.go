package download

import (
	"cmp"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/data"
)

// Bounds of what a mirror can send, and make of it. The largest published file
// has 170 MB, and 184 MB unzipped.
const (
	maxBytes    = 1 << 28
	maxUnzipped = 1 << 30
)

// tries is how often in a row a transfer that was cut off goes on without getting
// any further.
const tries = 3

// file makes the published file be at its path, from the first mirror that has it.
func (g *Getter) file(ctx context.Context, f data.Published, urls []string) error {
	path := filepath.Join(g.Dir, filepath.FromSlash(f.Path))
	switch err := check(path, f); {
	case err == nil:
		g.Say(fmt.Sprintf("%s is there already", path))
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		aside, moveErr := moveAside(path)
		if moveErr != nil {
			return moveErr
		}
		g.Say(fmt.Sprintf("%s is not right (%v), moved it to %s", path, err, aside))
	}
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	part := path + ".part"
	if info, err := os.Lstat(part); err == nil && info.Mode().IsRegular() && check(part, f) == nil {
		return os.Rename(part, path)
	}
	var errs []error
	for _, u := range urls {
		err := g.from(ctx, strings.TrimSuffix(u, "/")+"/"+f.Name, part, f)
		if err == nil {
			return os.Rename(part, path)
		}
		errs = append(errs, err)
		if _, local := errors.AsType[*fs.PathError](err); local || ctx.Err() != nil {
			break // no mirror mends it
		}
	}
	return errors.Join(errs...)
}

// from makes part the whole file at url. What goes on from a first part is not
// right if that was another file's; a new start may mend it.
func (g *Getter) from(ctx context.Context, url, part string, f data.Published) error {
	g.Say(fmt.Sprintf("fetching %s", url))
	farthest := size(part)
	for try := 1; ; try++ {
		continued, err := g.transfer(ctx, url, part)
		if err == nil {
			if err = check(part, f); err == nil {
				return nil
			}
			if err := os.Remove(part); err != nil {
				return err
			}
			if !continued {
				return fmt.Errorf("%s: %w", url, err)
			}
			g.Say(fmt.Sprintf("cannot continue %s (%v), starting again", part, err))
			continue
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("%s: interrupted, the same command goes on", url), removeEmpty(part))
		}
		if n := size(part); n > farthest {
			farthest, try = n, 1
		}
		if !transient(err) || try >= tries {
			if size(part) > 0 {
				return fmt.Errorf("%s: %w, run this again to go on", url, err)
			}
			return fmt.Errorf("%s: %w", url, errors.Join(err, removeEmpty(part)))
		}
		select {
		case <-ctx.Done():
		case <-time.After(cmp.Or(g.Pause, time.Second)):
		}
	}
}

// check returns nil if path is the published file, else what it is.
func check(path string, f data.Published) error {
	file, err := safefile.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	packed, plain := md5.New(), md5.New()
	zipped, err := gzip.NewReader(io.TeeReader(file, packed))
	if err != nil {
		return fmt.Errorf("no gzip file, it starts with %s", start(file))
	}
	n, err := io.Copy(plain, io.LimitReader(zipped, maxUnzipped))
	switch {
	case err != nil:
		return fmt.Errorf("not a whole gzip file: %w", err)
	case n == maxUnzipped:
		return fmt.Errorf("more than %d bytes, unzipped", n)
	}
	sum := plain.Sum(nil)
	if f.Folder != "" {
		sum = packed.Sum(nil)
	}
	if found := hex.EncodeToString(sum); found != f.MD5 {
		return fmt.Errorf("MD5 sum %s, want %s", found, f.MD5)
	}
	return nil
}

// start quotes how a file starts, which tells a person what it is.
func start(f io.ReaderAt) string {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0) // what there is
	return fmt.Sprintf("%q", b[:n])
}

// moveAside gives the file at path a new name beside it, and returns that.
func moveAside(path string) (string, error) {
	for i := 1; ; i++ {
		aside := path + ".bad"
		if i > 1 {
			aside += fmt.Sprint(i)
		}
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(path, aside)
		}
	}
}

// size is the size of the file at path, 0 if there is none.
func size(path string) int64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// removeEmpty removes the file at path if it is a regular one without bytes.
func removeEmpty(path string) error {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() > 0 {
		return nil
	}
	return os.Remove(path)
}
