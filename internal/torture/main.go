// Command torture breaks the program and its records on purpose, and looks at
// what comes of it.
//
//	go run ./internal/torture [kill|flip|poison]... [--for 2m] [--seed 1] [--only KIND/NUMBER] --bgmd bin/bgmd
//
// kill stops runs and sweeps at random moments and at every system call that
// changes a file, fills the disk and lets writes fail: what goes on from there must
// end as an undisturbed run does. flip damages every file of a record: each
// damage must be refused by a message that names the file, or be without effect.
// poison aggregates hostile matrices by every rule: no panic, no NaN, no trace left
// by a call that failed.
//
// Each prints how many cases of each kind were tried and how many differed from
// what must be, and for those how to try them again alone. The exit code is 1 if
// any did.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type campaign struct {
	name string
	run  func(*session) error
}

// campaigns are what there is to try, in the order in which it is tried.
var campaigns = []campaign{
	{"kill", kill},
	{"flip", flip},
	{"poison", poison},
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with exit codes: 0 nothing differed, 1 something did or a campaign
// could not be run, 2 wrong use.
func run(args []string, stdout, stderr io.Writer) int {
	names, args := leading(args)
	flags := flag.NewFlagSet("torture [kill|flip|poison]...", flag.ContinueOnError)
	flags.SetOutput(stderr)
	length := flags.Duration("for", 2*time.Minute, "how long each campaign may take")
	seed := flags.Uint64("seed", 1, "root of what is random")
	only := flags.String("only", "", "try this case alone, as `KIND/NUMBER`")
	bgmd := flags.String("bgmd", "bin/bgmd", "the program")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "torture: takes no argument %q behind flags\n", flags.Arg(0))
		return 2
	}
	for _, name := range names {
		if !slices.ContainsFunc(campaigns, func(c campaign) bool { return c.name == name }) {
			fmt.Fprintf(stderr, "torture: unknown campaign %q (have kill, flip, poison)\n", name)
			return 2
		}
	}
	program, err := filepath.Abs(*bgmd)
	if err != nil {
		fmt.Fprintf(stderr, "torture: %v\n", err)
		return 1
	}
	differed := 0
	for _, c := range campaigns {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		s := &session{campaign: c.name, seed: *seed, length: *length, only: *only, bgmd: program, out: stderr}
		if err := s.conduct(c.run); err != nil {
			fmt.Fprintf(stderr, "torture: %s: %v\n", c.name, err)
			return 1
		}
		s.print(stdout)
		differed += s.differed()
	}
	if differed > 0 {
		return 1
	}
	return 0
}

// leading splits the arguments before the first flag off.
func leading(args []string) (names, rest []string) {
	n := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
	if n < 0 {
		n = len(args)
	}
	return args[:n], args[n:]
}
