//go:build gpu && linux

package cuda

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// entry is what PTX says of a kernel.
type entry struct {
	name    string
	params  []int // sizes in bytes
	threads int   // of a block
}

var (
	entryPattern   = regexp.MustCompile(`(?s)\.entry (\w+)\(([^)]*)\)\s*\.maxntid (\d+)`)
	paramPattern   = regexp.MustCompile(`\.param (?:\.align \d+ )?\.(?:[a-z])(\d+)[^\[\n,]*(?:\[(\d+)\])?`)
	entryDirective = []byte(".entry ")
)

// parsePTX lists the kernels of a module.
func parsePTX(text []byte) ([]entry, error) {
	var entries []entry
	for _, m := range entryPattern.FindAllSubmatch(text, -1) {
		e := entry{name: string(m[1])}
		e.threads, _ = strconv.Atoi(string(m[3]))
		for _, p := range paramPattern.FindAllSubmatch(m[2], -1) {
			bits, _ := strconv.Atoi(string(p[1]))
			count := 1
			if len(p[2]) > 0 {
				count, _ = strconv.Atoi(string(p[2]))
			}
			e.params = append(e.params, bits/8*count)
		}
		if len(e.params) > maxArguments {
			return nil, fmt.Errorf("cuda: kernel %s has %d parameters, want at most %d", e.name, len(e.params), maxArguments)
		}
		entries = append(entries, e)
	}
	if want := bytes.Count(text, entryDirective); len(entries) != want || want == 0 {
		return nil, fmt.Errorf("cuda: read %d kernels of the PTX, want %d, at least 1", len(entries), want)
	}
	return entries, nil
}
