package config

import (
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/yamltext"
)

// keyIndex knows the keys of a configuration and the sections they are in.
type keyIndex struct {
	keys     map[string]Key
	sections map[string][]string // what a section holds, in order; "" is the top
}

// index is that of all keys.
var index = newKeyIndex()

func newKeyIndex() keyIndex {
	x := keyIndex{map[string]Key{}, map[string][]string{}}
	for _, key := range Keys() {
		x.keys[key.Path] = key
		for path := key.Path; path != ""; {
			section, name := splitKey(path)
			if !slices.Contains(x.sections[section], name) {
				x.sections[section] = append(x.sections[section], name)
			}
			path = section
		}
	}
	return x
}

// splitKey splits a path before its last name.
func splitKey(path string) (section, name string) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:]
}

// joinKey is the inverse of splitKey.
func joinKey(section, name string) string {
	return strings.TrimPrefix(section+"."+name, ".")
}

// maxTypos is how many edits away a name still counts as meant.
const maxTypos = 2

// unknown says that there is no such key, and what was probably meant: a name
// in the same section that is hardly different, or a key of that name
// elsewhere, or another command; and in any case what the section has.
func (x keyIndex) unknown(path string) string {
	section, name := splitKey(path)
	for x.sections[section] == nil {
		section, name = splitKey(section)
	}
	have := x.sections[section]
	hint := ""
	if path == "grid" {
		hint = ": a grid of runs is for 'bgmd sweep'"
	} else if near := nearest(name, have); near != "" {
		hint = ", did you mean " + joinKey(section, near) + "?"
	} else if other := x.elsewhere(path); other != "" {
		hint = ", did you mean " + other + "?"
	}
	return "unknown key " + yamltext.Quote(path) + hint + " (have " + strings.Join(have, ", ") + ")"
}

// elsewhere finds the first key in another section whose last name is path's.
func (x keyIndex) elsewhere(path string) string {
	_, name := splitKey(path)
	for _, key := range Keys() {
		if _, other := splitKey(key.Path); strings.EqualFold(other, name) {
			return key.Path
		}
	}
	return ""
}

// nearest returns the candidate with the fewest edits from name, empty where
// all have more than maxTypos or than half of name's letters.
func nearest(name string, candidates []string) string {
	best, fewest := "", min(maxTypos, len(name)/2)+1
	for _, c := range candidates {
		if edits := distance(strings.ToLower(name), c); edits < fewest {
			best, fewest = c, edits
		}
	}
	return best
}

// distance is Levenshtein's: the fewest insertions, deletions and replacements
// of a byte that turn a into b. Cost O(len(a)·len(b)).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
