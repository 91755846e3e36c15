package data

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"
)

// maxArchive is the most bytes that are unzipped of an archive. The published
// ones have 184 and 186 MB.
const maxArchive = 1 << 28

func isArchive(path string) bool { return strings.HasSuffix(path, ".tar.gz") }

// readArchive reads the files out of a tar archive, zipped or not; what else is in
// it is skipped.
func (v cifarVersion) readArchive(path string) ([]cifarFile, error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return v.unpack(f, size, path)
}

// unpack reads an archive of the given size, which messages call path.
func (v cifarVersion) unpack(r io.Reader, size int64, path string) ([]cifarFile, error) {
	plain, err := newContent(r, size, maxArchive, "an archive of CIFAR-10")
	if err != nil {
		return nil, inFile(path, err)
	}
	files := make([]cifarFile, len(v.files))
	members := tar.NewReader(plain)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, inFile(path, badArchive(err))
		}
		i := v.member(header)
		if i < 0 {
			continue
		}
		where := path + ", " + v.files[i].name
		if files[i].path != "" {
			return nil, &FileError{File: where, Offset: -1, Found: "it twice", Want: "one of each file"}
		}
		if files[i], err = v.read(i, members, header.Size, where); err != nil {
			return nil, err
		}
	}
	if _, err := io.Copy(io.Discard, plain); err != nil { // checks the sum of what was zipped
		return nil, inFile(path, err)
	}
	var missing []string
	for i, f := range files {
		if f.path == "" {
			missing = append(missing, v.folder+"/"+v.files[i].name)
		}
	}
	return files, lacking(path, missing)
}

// badArchive is err, if it is a [*FileError], or else one about the archive.
func badArchive(err error) error {
	if FileErrors(err) != nil {
		return err
	}
	return &FileError{Offset: -1, Found: "an error: " + err.Error(), Want: "a whole tar archive", Err: err}
}

// member returns which of the version's files a member of the archive is, -1 for
// none.
func (v cifarVersion) member(h *tar.Header) int {
	folder, name := path.Split(path.Clean(h.Name))
	if h.Typeflag != tar.TypeReg || folder != v.folder+"/" {
		return -1
	}
	for i, f := range v.files {
		if f.name == name {
			return i
		}
	}
	return -1
}
