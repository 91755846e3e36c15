package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Load reads the set called name from its subfolder of dir, or generates it
// from seed if it is "synthetic". Files that are missing or damaged, all of
// them at once, are [*FileError]s that wrap [ErrData].
func Load(name, dir string, seed uint64) (*Set, error) {
	load, ok := loaders[name]
	if !ok {
		return nil, fmt.Errorf("data: unknown set %q (have %s)", name, strings.Join(Names(), ", "))
	}
	set, err := load(dir, seed)
	if err != nil {
		return nil, fmt.Errorf("data: load set %q: %w", name, err)
	}
	return set, nil
}
