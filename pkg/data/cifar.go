package data

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// CIFAR-10 is published in several versions of the same images: 32×32 in three
// channels, each image's bytes channel by channel (red, green, blue), row by row.
// [https://www.cs.toronto.edu/~kriz/cifar.html]
const (
	cifarSide    = 32
	cifarPixels  = 3 * cifarSide * cifarSide
	cifarRecords = 10_000 // of a published file, and the most that is read of any
)

// cifarVersion is one of the versions: six files, the test images last, in a
// folder or in an archive of it.
type cifarVersion struct {
	folder  string
	archive string
	files   []cifarName
	// decode returns the images of one file's bytes. Its errors are [*FileError]s
	// without File.
	decode func(raw []byte) (Split, error)
	most   int // bytes of a file
	sum    func(raw []byte) string
}

// cifarName is a file's name and the version's sum of the published file.
type cifarName struct{ name, sum string }

// cifarBinary is the version of plain records, each a label's byte and then the
// image's. The publisher gives a sum of the archive alone; these SHA-1 sums are
// what Apache MXNet checks its download against.
var cifarBinary = cifarVersion{
	folder:  "cifar-10-batches-bin",
	archive: "cifar-10-binary.tar.gz",
	files: []cifarName{
		{"data_batch_1.bin", "aadd24acce27caa71bf4b10992e9e7b2d74c2540"},
		{"data_batch_2.bin", "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"},
		{"data_batch_3.bin", "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"},
		{"data_batch_4.bin", "aab85764eb3584312d3c7f65fd2fd016e36a258e"},
		{"data_batch_5.bin", "26e2849e66a845b7f1e4614ae70f4889ae604628"},
		{"test_batch.bin", "67eb016db431130d61cd03c7ad570b013799c88c"},
	},
	decode: decodeRecords,
	most:   cifarRecords * cifarRecord,
	sum:    func(raw []byte) string { s := sha1.Sum(raw); return hex.EncodeToString(s[:]) },
}

// cifarPython is the version that torchvision downloads. The sums are what it
// checks the files against.
var cifarPython = cifarVersion{
	folder:  "cifar-10-batches-py",
	archive: "cifar-10-python.tar.gz",
	files: []cifarName{
		{"data_batch_1", "c99cafc152244af753f735de768cd75f"},
		{"data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"},
		{"data_batch_3", "54ebc095f3ab1f0389bbae665268c751"},
		{"data_batch_4", "634d18415352ddfa80567beed471001a"},
		{"data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"},
		{"test_batch", "40351d587109b95175f43aff81a1287e"},
	},
	decode: decodePickle,
	most:   cifarRecords * (cifarPixels + 128), // with a label and a file's name
	sum:    md5Of,
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

// loadCIFAR10 reads the six files of the first version that is there. Files other
// than the published ones are read too, if they all hold the same number of
// images, and say so in Files.
func loadCIFAR10(dir string, _ uint64) (*Set, error) {
	files, err := readCIFAR(dir)
	if err == nil {
		err = sameLength(files)
	}
	if err != nil {
		return nil, err
	}
	set := &Set{
		Name: "cifar-10", Shape: Shape{3, cifarSide, cifarSide},
		Classes: len(cifarClasses), ClassNames: slices.Clone(cifarClasses),
		Mean: slices.Clone(cifarMean), Std: slices.Clone(cifarStd),
	}
	last := len(files) - 1
	n := last * files[0].Len()
	set.Train = Split{Pixels: make([]uint8, 0, n*cifarPixels), Labels: make([]uint8, 0, n)}
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

// readCIFAR returns the files in the order of their version.
func readCIFAR(dir string) ([]cifarFile, error) {
	path, err := place("cifar-10", dir, func(path string) bool {
		return isArchive(path) && exists(path) || !isArchive(path) && versionAt(path).isIn(path)
	}, "its six files in")
	if err != nil {
		return nil, err
	}
	v := versionAt(path)
	if isArchive(path) {
		return v.readArchive(path)
	}
	var files []cifarFile
	var missing []string
	var errs []error
	for i, f := range v.files {
		file := filepath.Join(path, f.name)
		if !exists(file) {
			missing = append(missing, f.name)
			continue
		}
		read, err := v.readFile(i, file)
		files, errs = append(files, read), append(errs, err)
	}
	return files, errors.Join(append(errs, lacking(path, missing))...)
}

// versionAt returns the version that is looked for at a path of layouts.
func versionAt(path string) cifarVersion {
	switch filepath.Base(path) {
	case cifarPython.folder, cifarPython.archive:
		return cifarPython
	}
	return cifarBinary
}

// isIn reports whether the folder has any of the version's files.
func (v cifarVersion) isIn(folder string) bool {
	return slices.ContainsFunc(v.files, func(f cifarName) bool { return exists(filepath.Join(folder, f.name)) })
}

func (v cifarVersion) readFile(i int, path string) (cifarFile, error) {
	f, size, err := open(path)
	if err != nil {
		return cifarFile{}, err
	}
	defer f.Close()
	return v.read(i, f, size, path)
}

// read reads the version's i-th file, of the given size, which messages call path.
func (v cifarVersion) read(i int, r io.Reader, size int64, path string) (cifarFile, error) {
	if size > int64(v.most) {
		return cifarFile{}, &FileError{File: path, Offset: -1, Found: fmt.Sprintf("%d bytes", size), Want: fmt.Sprintf("at most %d", v.most)}
	}
	c, err := newContent(r, size, int64(v.most), "a file of CIFAR-10")
	if err != nil {
		return cifarFile{}, inFile(path, err)
	}
	b := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // ReadFrom wants MinRead bytes free to find the end
	if _, err := b.ReadFrom(c); err != nil {
		return cifarFile{}, inFile(path, err)
	}
	raw := b.Bytes()
	split, err := v.decode(raw)
	if err != nil {
		return cifarFile{}, inFile(path, err)
	}
	return cifarFile{path: path, Split: split, sum: FileSum{Name: v.files[i].name, MD5: md5Of(raw), Official: v.sum(raw) == v.files[i].sum}}, nil
}

// cifarRecord is the size of a record of the binary version.
const cifarRecord = 1 + cifarPixels

// decodeRecords reads a file of the binary version.
func decodeRecords(raw []byte) (Split, error) {
	n := len(raw) / cifarRecord
	if rest := len(raw) % cifarRecord; rest != 0 || n == 0 {
		return Split{}, &FileError{Offset: int64(len(raw)), Found: "the end of the file",
			Want: fmt.Sprintf("%d bytes for %s", (n+1)*cifarRecord, images(n+1))}
	}
	s := Split{Pixels: make([]uint8, 0, n*cifarPixels), Labels: make([]uint8, 0, n)}
	for at := 0; at < len(raw); at += cifarRecord {
		if label := raw[at]; int(label) >= len(cifarClasses) {
			return Split{}, &FileError{Offset: int64(at), Found: fmt.Sprintf("label %d", label),
				Want: fmt.Sprintf("0 to %d", len(cifarClasses)-1)}
		}
		s.Labels = append(s.Labels, raw[at])
		s.Pixels = append(s.Pixels, raw[at+1:at+cifarRecord]...)
	}
	return s, nil
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

func md5Of(raw []byte) string {
	sum := md5.Sum(raw)
	return hex.EncodeToString(sum[:])
}
