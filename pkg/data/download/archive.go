package download

import (
	"archive/tar"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/data"
)

// sumsName is the file in an unpacked folder by which a later call knows it: the
// sum of the archive, and those of the files that came out of it.
const sumsName = "MD5SUMS"

// maxSums is more than any such file has, in bytes.
const maxSums = 1 << 16

// unpacked reports whether the folder is what came out of the published archive.
func unpacked(folder string, f data.Published) bool {
	file, err := safefile.Open(filepath.Join(folder, sumsName))
	if err != nil {
		return false
	}
	defer file.Close()
	want, err := io.ReadAll(io.LimitReader(file, maxSums))
	if err != nil {
		return false
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(want)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[1] != f.Name {
			sums[fields[1]], err = sumOf(filepath.Join(folder, filepath.Base(fields[1])))
			if err != nil {
				return false
			}
		}
	}
	return string(want) == sumsText(f, sums)
}

func sumsText(f data.Published, sums map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", f.MD5, f.Name)
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(&b, "%s  %s\n", sums[name], name)
	}
	return b.String()
}

func sumOf(path string) (string, error) {
	f, err := safefile.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := md5.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// unpack puts the archive's files into the set's folder and removes the archive.
func (g *Getter) unpack(f data.Published) error {
	archive, folder := filepath.Join(g.Dir, f.Path), filepath.Join(g.Dir, f.Folder)
	part := folder + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := safefile.MkdirAll(part); err != nil {
		return err
	}
	sums, err := extract(archive, f.Folder, part)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", archive, errors.Join(err, os.RemoveAll(part)))
	}
	if err := safefile.Write(filepath.Join(part, sumsName), []byte(sumsText(f, sums))); err != nil {
		return err
	}
	if err := g.place(part, folder, append(slices.Sorted(maps.Keys(sums)), sumsName)); err != nil {
		return err
	}
	return os.Remove(archive)
}

// place moves the named files from one folder to another, and whatever else is
// called like one of them aside.
func (g *Getter) place(from, to string, names []string) error {
	err := os.Rename(from, to)
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range names {
		path := filepath.Join(to, name)
		sum, err := sumOf(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if found, err := sumOf(path); name != sumsName && found != sum && !errors.Is(err, fs.ErrNotExist) {
			aside, err := moveAside(path)
			if err != nil {
				return err
			}
			g.Say(fmt.Sprintf("%s is another file, moved it to %s", path, aside))
		}
		if err := os.Rename(filepath.Join(from, name), path); err != nil {
			return err
		}
	}
	return os.RemoveAll(from)
}

// extract writes the files of the archive's folder, without what is in folders
// below it, into another, and returns their sums by name.
func extract(archive, folder, into string) (map[string]string, error) {
	f, err := safefile.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	sums, left := map[string]string{}, int64(maxBytes)
	members := tar.NewReader(zipped)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		dir, name := path.Split(path.Clean(header.Name))
		if header.Typeflag != tar.TypeReg || dir != folder+"/" {
			continue
		}
		if left -= header.Size; left < 0 {
			return nil, fmt.Errorf("its files have more than %d bytes", maxBytes)
		}
		if sums[name], err = writeMember(filepath.Join(into, name), members); err != nil {
			return nil, err
		}
	}
	if len(sums) == 0 {
		return nil, fmt.Errorf("found no files in %s", folder)
	}
	return sums, nil
}

func writeMember(path string, content io.Reader) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, safefile.FileMode)
	if err != nil {
		return "", err
	}
	sum := md5.New()
	_, err = io.Copy(io.MultiWriter(f, sum), content)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Sync(), f.Close())
}
