package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// session is one campaign: what it may use, and what it has counted so far.
type session struct {
	campaign string
	seed     uint64
	length   time.Duration // of the whole campaign
	only     string        // the one case to try, as KIND/NUMBER; empty: all
	bgmd     string        // the program
	out      io.Writer     // for differences, as they are found

	scratch string    // a folder, empty at first
	until   time.Time // when the current share of the length ends
	kinds   []*kind
	faults  []*fault
}

// kind is a sort of case and what was counted of it.
type kind struct {
	name            string
	all             int // how many there are; 0 where they have no end
	tried, differed int
}

// fault is a sort of difference: all whose first lines are alike but for paths and
// numbers.
type fault struct {
	text  string // the line without them
	count int
	first string // its first case
}

// conduct runs a campaign in a scratch folder.
func (s *session) conduct(run func(*session) error) error {
	dir, err := os.MkdirTemp("", "bgmd-torture-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s.scratch = dir
	return run(s)
}

// share gives what follows 1/of of the campaign's length.
func (s *session) share(of int) { s.until = time.Now().Add(s.length / time.Duration(of)) }

// late tells whether the current share is used up.
func (s *session) late() bool { return time.Now().After(s.until) }

// wanted tells whether cases of this kind are to be tried.
func (s *session) wanted(kind string) bool {
	return s.only == "" || strings.HasPrefix(s.only, kind+"/")
}

// test is a case: it breaks something, and says what and where, and how the outcome
// differs from what must be, if it does, in a line and perhaps details below. It may draw from rng, whose state depends on
// the campaign's seed and the case's number alone. A panic is a difference.
type test func(rng *rand.Rand) (broken, differs string)

// try tries one case and counts it.
func (s *session) try(name string, number int, f test) {
	if s.only != "" && s.only != fmt.Sprint(name, "/", number) {
		return
	}
	k := s.kind(name)
	k.tried++
	broken, differs := quietly(f, rand.New(rand.NewPCG(s.seed, uint64(number))))
	if differs == "" {
		return
	}
	k.differed++
	s.fault(fmt.Sprint(name, "/", number), broken, differs)
}

// fault counts a difference, and prints it if it is the first of its sort.
func (s *session) fault(which, broken, differs string) {
	differs = strings.ReplaceAll(differs, s.scratch, "")
	line, details, _ := strings.Cut(differs, "\n")
	text := varying.ReplaceAllString(line, "…")
	i := slices.IndexFunc(s.faults, func(f *fault) bool { return f.text == text })
	if i < 0 {
		i = len(s.faults)
		s.faults = append(s.faults, &fault{text: text, first: which})
		fmt.Fprintf(s.out, "%s: %s: %s\n    again: go run ./internal/torture %s --seed %d --only '%s'\n",
			which, broken, line, s.campaign, s.seed, which)
		for line := range strings.Lines(details) {
			fmt.Fprintf(s.out, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
	s.faults[i].count++
}

// varying is what differs between texts that say the same: paths of cases, numbers
// and sums.
var varying = regexp.MustCompile(`\S*/case\d+/[^\s:]*|[-+]?[0-9][-+.0-9a-fA-F]*|\b[0-9a-f]{8,}\b`)

// sweep tries the cases 0, 1, … of a kind that has all of them, in random order, or
// without an end where all is 0, until the share is used up: one at least.
func (s *session) sweep(name string, all int, f func(number int, rng *rand.Rand) (broken, differs string)) {
	if !s.wanted(name) {
		return
	}
	s.kind(name).all = all
	next := func(i int) int { return i }
	if all > 0 {
		order := rand.New(rand.NewPCG(s.seed, 0)).Perm(all)
		next = func(i int) int { return order[i] }
	}
	once := func(number int) {
		s.try(name, number, func(rng *rand.Rand) (broken, differs string) { return f(number, rng) })
	}
	if s.only != "" {
		if number, err := strconv.Atoi(strings.TrimPrefix(s.only, name+"/")); err == nil {
			once(number)
		}
		return
	}
	for i := 0; i == 0 || (all == 0 || i < all) && !s.late(); i++ {
		once(next(i))
	}
}

// folder returns the path of a folder that is not there yet, and what removes it.
func (s *session) folder() (path string, remove func()) {
	dir, err := os.MkdirTemp(s.scratch, "case")
	if err != nil {
		panic(err) // ends the case
	}
	return filepath.Join(dir, "out"), func() { os.RemoveAll(dir) }
}

// quietly runs f and turns a panic into a text.
func quietly(f test, rng *rand.Rand) (broken, differs string) {
	defer func() {
		if r := recover(); r != nil {
			differs = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f(rng)
}

// kind returns the counts of the named kind.
func (s *session) kind(name string) *kind {
	for _, k := range s.kinds {
		if k.name == name {
			return k
		}
	}
	k := &kind{name: name}
	s.kinds = append(s.kinds, k)
	return k
}

func (s *session) differed() int {
	n := 0
	for _, k := range s.kinds {
		n += k.differed
	}
	return n
}

// print writes the table.
func (s *session) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CAMPAIGN\tKIND\tTRIED\tDIFFERED")
	tried := 0
	for _, k := range s.kinds {
		of := ""
		if k.all > 0 {
			of = fmt.Sprint(" of ", k.all)
		}
		fmt.Fprintf(table, "%s\t%s\t%d%s\t%d\n", s.campaign, k.name, k.tried, of, k.differed)
		tried += k.tried
	}
	fmt.Fprintf(table, "%s\tall\t%d\t%d\n", s.campaign, tried, s.differed())
	table.Flush()
	for _, f := range s.faults {
		fmt.Fprintf(w, "%d × as %s: %s\n", f.count, f.first, f.text)
	}
}
