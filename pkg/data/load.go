package data

import (
	"fmt"
	"maps"
	"slices"
)

// loaders has every set by name. A loader takes the folder that holds one
// subfolder a set, and the seed, which only generated sets use.
var loaders = map[string]func(dir string, seed uint64) (*Set, error){
	"cifar-10":      loadCIFAR10,
	"fashion-mnist": fashionMNIST.load,
	"mnist":         mnist.load,
	"synthetic":     loadSynthetic,
}

// Names lists the sets that [Load] knows, in order.
func Names() []string { return slices.Sorted(maps.Keys(loaders)) }

// Load reads the set called name from dir, or generates it from seed if it is
// "synthetic". In dir it takes the first place that has any of the set's files:
//
//	cifar-10        cifar-10-batches-bin/, cifar-10-binary.tar.gz,
//	                cifar-10-batches-py/, cifar-10-python.tar.gz
//	fashion-mnist   fashion-mnist/, FashionMNIST/raw/
//	mnist           mnist/, MNIST/raw/
//
// All files may be zipped or not, whatever they are called: IDX files by their
// published names, such as t10k-images-idx3-ubyte.gz, without the .gz, or as
// t10k-images.idx3-ubyte. Files that are missing or damaged, all of them at once, are
// [*FileError]s that wrap [ErrData].
func Load(name, dir string, seed uint64) (*Set, error) {
	load, ok := loaders[name]
	if !ok {
		return nil, unknown(name)
	}
	set, err := load(dir, seed)
	if err != nil {
		for _, bad := range FileErrors(err) {
			bad.Fetch = fetchCommand(name, dir)
		}
		return nil, fmt.Errorf("data: load set %q: %w", name, err)
	}
	return set, nil
}
