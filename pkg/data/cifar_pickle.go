package data

import (
	"fmt"
	"slices"
)

// decodePickle reads a file of CIFAR-10's Python version: the pickle (protocol 2)
// of a dict with, among others,
//
//	'labels'   list of n ints
//	'data'     numpy.ndarray of n × 3072 uint8, a row an image
//
// It knows the opcodes that Python 2 wrote these files with and no others, and
// makes nothing but lists, tuples, dicts, numbers, strings and the array, of no
// more than 81,000 opcodes.
func decodePickle(raw []byte) (Split, error) {
	p := &unpickler{raw: raw, memo: map[int]any{}}
	top, err := p.run()
	if err != nil {
		return Split{}, err
	}
	complain := func(found, want string) (Split, error) {
		return Split{}, &FileError{Offset: -1, Found: found, Want: want}
	}
	dict, _ := top.(map[string]any)
	list, _ := dict["labels"].(*pickledList)
	array, _ := dict["data"].(*pickledObject)
	if list == nil || array == nil || array.pixels == nil {
		return complain("a pickle without them", "a dict with labels (a list) and data (an array of bytes)")
	}
	n := len(list.items)
	if n == 0 || n*cifarPixels != len(array.pixels) {
		return complain(fmt.Sprintf("%d labels for %d rows of %d bytes", n, len(array.pixels)/cifarPixels, cifarPixels), "a label for each row")
	}
	s := Split{Pixels: slices.Clone(array.pixels), Labels: make([]uint8, 0, n)}
	for i, item := range list.items {
		label, ok := item.(int)
		if !ok { // a dict may hold itself: it can't be printed
			return complain(fmt.Sprintf("something else as label of image %d", i), "a number")
		}
		if label < 0 || label >= len(cifarClasses) {
			return complain(fmt.Sprintf("label %d of image %d", label, i), fmt.Sprintf("0 to %d", len(cifarClasses)-1))
		}
		s.Labels = append(s.Labels, uint8(label))
	}
	return s, nil
}
