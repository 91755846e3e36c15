package data

import (
	"fmt"
	"strings"
)

// Extent is the size of a set.
type Extent struct {
	Shape       Shape
	Classes     int
	Train, Test int // images
	Files       int // bytes that reading the set takes besides what is kept of it, at most at a time
}

// extents has those of the published sets, and of the generated one.
var extents = map[string]Extent{
	"cifar-10":      {Shape{3, cifarSide, cifarSide}, len(cifarClasses), 5 * cifarRecords, cifarRecords, 300e6},
	"fashion-mnist": {Shape{1, 28, 28}, 10, 60_000, 10_000, 55e6},
	"mnist":         {Shape{1, 28, 28}, 10, 60_000, 10_000, 55e6},
	"synthetic":     {Shape{1, syntheticSide, syntheticSide}, len(figures), syntheticTrain, syntheticTest, 0},
}

// ExtentOf returns the size of the set called name, one of [Names], as it is
// published: files with more or fewer images are read as well. It reads nothing.
func ExtentOf(name string) (Extent, error) {
	e, ok := extents[name]
	if !ok {
		return Extent{}, unknown(name)
	}
	return e, nil
}

func unknown(name string) error {
	return fmt.Errorf("data: unknown set %q (have %s)", name, strings.Join(Names(), ", "))
}
