package data

import (
	"archive/tar"
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// CIFAR-10 in its publisher's binary layout: files of records, each a label's
// byte and then the image's 3·32·32 bytes, channel by channel (red, green,
// blue), row by row. [https://www.cs.toronto.edu/~kriz/cifar.html]
const (
	cifarSide    = 32
	cifarPixels  = 3 * cifarSide * cifarSide
	cifarRecord  = 1 + cifarPixels
	cifarRecords = 10_000 // of a published file, and the most that is read of any
	cifarFolder  = "cifar-10-batches-bin"
	cifarArchive = "cifar-10-binary.tar.gz"
)

// cifarFiles are the files in the order in which they are read, the test images
// last, with the SHA-1 sums of the published ones. The publisher gives a sum of
// the archive alone; these are what Apache MXNet checks its download against.
var cifarFiles = []struct{ name, sha1 string }{
	{"data_batch_1.bin", "aadd24acce27caa71bf4b10992e9e7b2d74c2540"},
	{"data_batch_2.bin", "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"},
	{"data_batch_3.bin", "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"},
	{"data_batch_4.bin", "aab85764eb3584312d3c7f65fd2fd016e36a258e"},
	{"data_batch_5.bin", "26e2849e66a845b7f1e4614ae70f4889ae604628"},
	{"test_batch.bin", "67eb016db431130d61cd03c7ad570b013799c88c"},
}

var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// Mean and standard deviation of each channel over all pixels of the published
// training images, in [0, 1]: the figures in common use, to four digits. The
// 0.2023, 0.1994, 0.2010 that are also seen average the deviations of single
// images, which leaves the spread between images out.
var (
	cifarMean = []float32{0.4914, 0.4822, 0.4465}
	cifarStd  = []float32{0.2470, 0.2435, 0.2616}
)

// cifarFile is what one file holds.
type cifarFile struct {
	path string // for messages
	Split
	sum FileSum
}

// loadCIFAR10 reads the six files from their folder in dir or, where there is
// no such folder, out of the archive that the publisher packs them in. Files
// other than the published ones are read too, if they all hold the same number
// of images, and say so in Files.
func loadCIFAR10(dir string, _ uint64) (*Set, error) {
	files, err := readCIFAR(dir)
	if err == nil {
		err = sameLength(files)
	}
	if err != nil {
		for _, bad := range FileErrors(err) {
			bad.Fetch = fetchCommand("cifar-10", dir)
		}
		return nil, err
	}
	set := &Set{
		Name: "cifar-10", Shape: Shape{3, cifarSide, cifarSide},
		Classes: len(cifarClasses), ClassNames: slices.Clone(cifarClasses),
		Mean: slices.Clone(cifarMean), Std: slices.Clone(cifarStd),
	}
	last := len(files) - 1
	for _, f := range files[:last] {
		set.Train.Pixels = append(set.Train.Pixels, f.Pixels...)
		set.Train.Labels = append(set.Train.Labels, f.Labels...)
	}
	set.Test = files[last].Split
	for _, f := range files {
		set.Files = append(set.Files, f.sum)
	}
	return set, nil
}

// readCIFAR returns the files in the order of cifarFiles.
func readCIFAR(dir string) ([]cifarFile, error) {
	folder, archive := filepath.Join(dir, cifarFolder), filepath.Join(dir, cifarArchive)
	_, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		f, err := os.Open(archive)
		switch {
		case err == nil:
			defer f.Close()
			return readCIFARArchive(f, archive)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, unopened(archive, err)
		}
		return nil, &FileError{File: folder, Offset: -1, Found: "no such folder, nor " + archive,
			Want: "a folder with the six .bin files", Err: fs.ErrNotExist}
	}
	files := make([]cifarFile, len(cifarFiles))
	errs := make([]error, len(cifarFiles))
	for i, want := range cifarFiles {
		files[i], errs[i] = readCIFARFile(filepath.Join(folder, want.name), want.sha1)
	}
	return files, errors.Join(errs...)
}

func readCIFARFile(path, published string) (cifarFile, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cifarFile{}, &FileError{File: path, Offset: -1, Found: "no such file",
			Want: "a file of CIFAR-10's binary version", Err: fs.ErrNotExist}
	case err != nil:
		return cifarFile{}, unopened(path, err)
	}
	defer f.Close()
	return decodeCIFAR(f, path, filepath.Base(path), published)
}

// readCIFARArchive reads the files out of a tar archive, zipped or not; what
// else is in it is skipped.
func readCIFARArchive(r io.Reader, path string) ([]cifarFile, error) {
	plain, want, err := unzipper(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, inFile(path, err)
	}
	files := make([]cifarFile, len(cifarFiles))
	members := tar.NewReader(plain)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, inFile(path, &FileError{Offset: -1, Found: "an error: " + err.Error(), Want: "a whole tar archive", Err: err})
		}
		i := cifarMember(header)
		if i < 0 {
			continue
		}
		where := path + ", " + cifarFiles[i].name
		if files[i].path != "" {
			return nil, &FileError{File: where, Offset: -1, Found: "it twice", Want: "one of each file"}
		}
		if files[i], err = decodeCIFAR(members, where, cifarFiles[i].name, cifarFiles[i].sha1); err != nil {
			return nil, err
		}
	}
	if _, err := io.Copy(io.Discard, plain); err != nil { // checks the sum of what was zipped
		return nil, inFile(path, &FileError{Offset: -1, Found: "an error: " + err.Error(), Want: want, Err: err})
	}
	var errs []error
	for i, f := range files {
		if f.path == "" {
			errs = append(errs, &FileError{File: path, Offset: -1, Found: "no " + cifarFolder + "/" + cifarFiles[i].name,
				Want: "the six .bin files", Err: fs.ErrNotExist})
		}
	}
	return files, errors.Join(errs...)
}

// cifarMember returns which of cifarFiles a member of the archive is, -1 for
// none.
func cifarMember(h *tar.Header) int {
	folder, name := path.Split(path.Clean(h.Name))
	if h.Typeflag != tar.TypeReg || folder != cifarFolder+"/" {
		return -1
	}
	for i, f := range cifarFiles {
		if f.name == name {
			return i
		}
	}
	return -1
}

// decodeCIFAR reads the records of the named file, which messages call path.
func decodeCIFAR(r io.Reader, path, name, published string) (cifarFile, error) {
	raw, err := readLimited(r, cifarRecords*cifarRecord, "a readable file")
	if err != nil {
		return cifarFile{}, inFile(path, err)
	}
	n := len(raw) / cifarRecord
	if rest := len(raw) % cifarRecord; rest != 0 || n == 0 {
		return cifarFile{}, &FileError{File: path, Offset: int64(len(raw)), Found: "the end of the file",
			Want: fmt.Sprintf("%d bytes for %s", (n+1)*cifarRecord, images(n+1))}
	}
	f := cifarFile{path: path, Split: Split{Pixels: make([]uint8, 0, n*cifarPixels), Labels: make([]uint8, 0, n)}}
	for at := 0; at < len(raw); at += cifarRecord {
		if label := raw[at]; int(label) >= len(cifarClasses) {
			return cifarFile{}, &FileError{File: path, Offset: int64(at), Found: fmt.Sprintf("label %d", label),
				Want: fmt.Sprintf("0 to %d", len(cifarClasses)-1)}
		}
		f.Labels = append(f.Labels, raw[at])
		f.Pixels = append(f.Pixels, raw[at+1:at+cifarRecord]...)
	}
	sum, known := md5.Sum(raw), sha1.Sum(raw)
	f.sum = FileSum{Name: name, MD5: hex.EncodeToString(sum[:]), Official: hex.EncodeToString(known[:]) == published}
	return f, nil
}

// sameLength refuses files of unequal length: a file that was cut off between
// two records has no other mark.
func sameLength(files []cifarFile) error {
	for _, f := range files {
		if f.Len() != files[0].Len() {
			return &FileError{File: f.path, Offset: -1, Found: images(f.Len()),
				Want: fmt.Sprintf("as many as in %s, which has %d", files[0].path, files[0].Len())}
		}
	}
	return nil
}

func images(n int) string {
	if n == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", n)
}
