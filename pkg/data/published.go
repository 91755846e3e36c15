package data

// Published is a file that a set's publisher offers for download.
type Published struct {
	Name   string // in the publisher's folder
	Path   string // where [Load] looks for it first, below the data folder, with slashes
	MD5    string // in hexadecimal: of the unzipped bytes, of an archive as it is
	Folder string // of an archive: the folder in it, and below the data folder, of the set's files; else empty
}

// PublishedFiles lists what it takes to download the set called name; nil for one
// that has no files.
func PublishedFiles(name string) []Published {
	switch name {
	case fashionMNIST.name:
		return fashionMNIST.published()
	case mnist.name:
		return mnist.published()
	case "cifar-10":
		// The publisher's own sum. [https://www.cs.toronto.edu/~kriz/cifar.html]
		return []Published{{Name: cifarBinary.archive, Path: cifarBinary.archive,
			MD5: "c32a1d4ab5d03f1284b67883e8d87530", Folder: cifarBinary.folder}}
	}
	return nil
}

func (d idxSet) published() []Published {
	var files []Published
	for _, f := range d.files() {
		name := f.name + ".gz"
		files = append(files, Published{Name: name, Path: layouts[d.name][0] + "/" + name, MD5: f.md5})
	}
	return files
}
