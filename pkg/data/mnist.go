package data

import (
	"errors"
	"fmt"
	"slices"
)

// idxSet describes a set of 28×28 grey images in ten classes that is published
// as four IDX files, under the names that [mnist] introduced.
type idxSet struct {
	name        string  // of the set, and of its folder
	mean, std   float32 // of the training pixels in [0, 1]
	classNames  []string
	train, test idxPair
}

// idxPair is one split's two files.
type idxPair struct{ images, labels idxFile }

// idxFile is a file's name without .gz and the MD5 sum of the published file's
// unzipped bytes.
type idxFile struct{ name, md5 string }

var fashionMNIST = idxSet{
	name: "fashion-mnist",
	mean: 0.2860, std: 0.3530,
	classNames: []string{"t-shirt", "trouser", "pullover", "dress", "coat",
		"sandal", "shirt", "sneaker", "bag", "ankle boot"},
	train: idxPair{
		images: idxFile{"train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a"},
		labels: idxFile{"train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9"},
	},
	test: idxPair{
		images: idxFile{"t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a"},
		labels: idxFile{"t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965"},
	},
}

var mnist = idxSet{
	name: "mnist",
	mean: 0.1307, std: 0.3081,
	classNames: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	train: idxPair{
		images: idxFile{"train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb"},
		labels: idxFile{"train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624"},
	},
	test: idxPair{
		images: idxFile{"t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea"},
		labels: idxFile{"t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637"},
	},
}

// files lists the four files.
func (d idxSet) files() []idxFile {
	return []idxFile{d.train.images, d.train.labels, d.test.images, d.test.labels}
}

// load reads the four files. A file whose sum is not the published one's is read
// all the same, and says so in Files.
func (d idxSet) load(dir string, _ uint64) (*Set, error) {
	folder, err := place(d.name, dir, d.isIn, d.train.images.name+"(.gz) and its like in")
	if err != nil {
		return nil, err
	}
	train, trainFiles, trainErr := d.loadSplit(folder, d.train)
	test, testFiles, testErr := d.loadSplit(folder, d.test)
	if err := errors.Join(d.missing(folder), trainErr, testErr); err != nil {
		return nil, err
	}
	return &Set{
		Name:       d.name,
		Shape:      Shape{1, idxImages.inner[0].size, idxImages.inner[1].size},
		Classes:    len(d.classNames),
		ClassNames: slices.Clone(d.classNames),
		Mean:       []float32{d.mean},
		Std:        []float32{d.std},
		Train:      train,
		Test:       test,
		Files:      slices.Concat(trainFiles, testFiles),
	}, nil
}

// isIn reports whether the folder has any of the set's files.
func (d idxSet) isIn(folder string) bool {
	return slices.ContainsFunc(d.files(), func(f idxFile) bool { return spelled(folder, f.name) != "" })
}

// missing is an error that lists those of the set's files that the folder lacks.
func (d idxSet) missing(folder string) error {
	var names []string
	for _, f := range d.files() {
		if spelled(folder, f.name) == "" {
			names = append(names, f.name)
		}
	}
	return lacking(folder, names)
}

// loadSplit returns nothing where a file is missing, which the caller reports.
func (d idxSet) loadSplit(folder string, pair idxPair) (Split, []FileSum, error) {
	imagesPath, labelsPath := spelled(folder, pair.images.name), spelled(folder, pair.labels.name)
	pixels, imagesSum, imagesErr := pair.images.read(imagesPath, idxImages)
	labels, labelsSum, labelsErr := pair.labels.read(labelsPath, idxLabels)
	if err := errors.Join(imagesErr, labelsErr); err != nil || imagesPath == "" || labelsPath == "" {
		return Split{}, nil, err
	}
	complain := func(offset int, found, want string) error {
		return &FileError{File: labelsPath, Offset: int64(offset), Found: found, Want: want}
	}
	if images := len(pixels) / idxImages.itemSize(); images != len(labels) {
		return Split{}, nil, complain(4, fmt.Sprintf("%d labels", len(labels)),
			fmt.Sprintf("one for each of the %d images of %s", images, imagesPath))
	}
	for i, label := range labels {
		if int(label) >= len(d.classNames) {
			return Split{}, nil, complain(idxLabels.header()+i, fmt.Sprintf("label %d", label),
				fmt.Sprintf("0 to %d", len(d.classNames)-1))
		}
	}
	return Split{Pixels: pixels, Labels: labels}, []FileSum{imagesSum, labelsSum}, nil
}

// read returns the items of the file at path and its sum; nothing if path is
// empty.
func (file idxFile) read(path string, kind idxKind) (items []byte, sum FileSum, err error) {
	if path == "" {
		return nil, FileSum{}, nil
	}
	f, size, err := open(path)
	if err != nil {
		return nil, FileSum{}, err
	}
	defer f.Close()
	items, raw, err := kind.readIDX(f, size)
	if err != nil {
		return nil, FileSum{}, inFile(path, err)
	}
	sum = FileSum{Name: file.name, MD5: md5Of(raw)}
	sum.Official = sum.MD5 == file.md5
	return items, sum, nil
}
