package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bgmd/bgmd/internal/safefile"
)

// content is what a data file holds, unzipped. Its errors, but for [io.EOF], are
// [*FileError]s without File.
type content struct {
	r      io.Reader
	zipped bool
	size   int64 // of the file
	read   int64 // bytes so far
	limit  int64 // of them
}

// gzipRatio is the most bytes that one byte of a gzip file stands for: two bits of
// a deflate block repeat 258 bytes.
const gzipRatio = 1032

// sniffed is how much of a file's start tells what it is.
const sniffed = 64

// newContent reads r, of the given size, through gzip if it starts like a gzip
// file: some programs unzip what they download and keep the name. What is plainly
// no data file is refused, with want, what it should be, in the message; so are
// more than limit bytes.
func newContent(r io.Reader, size, limit int64, want string) (*content, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	c := &content{r: b, size: size, limit: limit}
	start, err := b.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, c.failed(err)
	}
	if bytes.HasPrefix(start, gzipMagic) {
		c.zipped = true
		zipped, err := gzip.NewReader(b)
		if err != nil {
			return nil, c.failed(err)
		}
		zipped.Multistream(false)
		plain := bufio.NewReaderSize(&gzipMembers{zipped, b}, 1<<16)
		c.r = plain
		start, _ = plain.Peek(sniffed) // an error comes again when it is read
	}
	if what := foreign(start); what != "" {
		return nil, &FileError{Offset: -1, Found: what, Want: want}
	}
	return c, nil
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	if c.read > c.limit {
		return n, &FileError{Offset: c.limit, Found: "more bytes", Want: fmt.Sprintf("at most %d", c.limit)}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, c.failed(err)
	}
	return n, err
}

// failed says that reading stopped here.
func (c *content) failed(err error) error {
	if FileErrors(err) != nil {
		return err
	}
	want := "a readable file"
	if c.zipped {
		want = "a whole gzip file"
	}
	return &FileError{Offset: c.read, Found: "an error: " + causeOf(err).Error(), Want: want, Err: err}
}

// holds is an error if the file is too small for the given number of bytes, to
// ask before memory is taken for them.
func (c *content) holds(bytes int64, want string) error {
	switch {
	case !c.zipped && c.size < bytes:
		return &FileError{Offset: c.size, Found: "the end of the file", Want: want}
	case c.zipped && gzipRatio*c.size < bytes:
		return &FileError{Offset: -1, Found: fmt.Sprintf("a gzip file of %d bytes", c.size), Want: want}
	}
	return nil
}

// fill fills p, and returns how many bytes there were where that was not enough.
func (c *content) fill(p []byte) (int, error) {
	n, err := io.ReadFull(c, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && FileErrors(err) == nil {
		err = nil
	}
	return n, err
}

// end is an error if there is more to come, which should have ended after what.
func (c *content) end(what string) error {
	const most = 1 << 20 // a number for people
	at := c.read
	n, err := io.CopyN(io.Discard, c, most)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n == 0 {
		return nil
	}
	found := fmt.Sprintf("%d bytes more", n)
	if n == most {
		found = fmt.Sprintf("%d bytes more, or still more", n)
	}
	return &FileError{Offset: at, Found: found, Want: "the end of the file after " + what}
}

var gzipMagic = []byte{0x1f, 0x8b}

// gzipMembers reads one member of a gzip file after another, and says what else
// comes behind them.
type gzipMembers struct {
	z *gzip.Reader // of the current member alone
	b *bufio.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		switch {
		case !errors.Is(err, io.EOF):
			return n, err
		case n > 0:
			return n, nil // the end comes again
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next goes on to the next member, or returns io.EOF where there is none.
func (g *gzipMembers) next() error {
	behind, err := g.b.Peek(sniffed)
	switch {
	case len(behind) == 0:
		return err
	case !bytes.HasPrefix(behind, gzipMagic):
		return &FileError{Offset: -1, Found: fmt.Sprintf("%s behind the end of the zipped data", excerpt(behind)),
			Want: "nothing there"}
	}
	if err := g.z.Reset(g.b); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

// foreign says what starts like this, if that is plainly no data file.
func foreign(start []byte) string {
	text := bytes.TrimLeft(start, "\ufeff \t\r\n")
	for _, f := range []struct{ start, what string }{
		{"<", "a web page"},
		{"version https://git-lfs", "a pointer of Git LFS"},
		{"PK\x03\x04", "a zip archive"},
	} {
		if bytes.HasPrefix(text, []byte(f.start)) {
			return fmt.Sprintf("%s, which starts with %s", f.what, excerpt(text))
		}
	}
	return ""
}

// excerpt quotes the first bytes of a text.
func excerpt(text []byte) string {
	const most = 32
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// causeOf is the reason of an error from the operating system, without the path.
func causeOf(err error) error {
	if inPath, ok := errors.AsType[*fs.PathError](err); ok {
		return inPath.Err
	}
	return err
}

// open opens the data file at path and returns its size. Its errors are
// [*FileError]s.
func open(path string) (*os.File, int64, error) {
	f, err := safefile.Open(path)
	if err != nil {
		return nil, 0, unopened(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, unopened(path, err)
	}
	return f, info.Size(), nil
}

// unopened says why the file at path could not be opened.
func unopened(path string, err error) *FileError {
	found, want, ok := strings.Cut(causeOf(err).Error(), ", want ") // as safefile.Open says it
	if !ok {
		want = "a readable file"
	}
	return &FileError{File: path, Offset: -1, Found: "an error: " + found, Want: want, Err: err}
}
