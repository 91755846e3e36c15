package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/data/download"
)

func newDataGetCommand() *cobra.Command {
	var dir string
	sets := append(download.Sets(), "all")
	cmd := &cobra.Command{
		Use:   "get SET...",
		Short: "Download data sets and check them",
		Long:  getHelp(),
		Example: text(`
  bgmd data get fashion-mnist
  bgmd data get mnist cifar-10 --dir /srv/data
  BGMD_MNIST_URL=https://mirror.example.org/mnist bgmd data get mnist`),
		ValidArgs: sets,
		Args: func(_ *cobra.Command, names []string) error {
			for _, name := range names {
				if !slices.Contains(sets, name) {
					return fmt.Errorf("unknown set %q (have %s)", name, strings.Join(sets, ", "))
				}
			}
			if len(names) == 0 {
				return fmt.Errorf("no set given (have %s)", strings.Join(sets, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, names []string) error { return getData(cmd, dir, names) },
	}
	addDataDir(cmd, &dir)
	return cmd
}

func getHelp() string {
	var variables strings.Builder
	for _, name := range download.Sets() {
		m := download.MirrorsOf(name)
		fmt.Fprintf(&variables, "\n  %-24s %s", m.Variable, strings.Join(m.URLs, "\n"+strings.Repeat(" ", 27)))
	}
	return text(`
Download the published files of data sets into the data folder:

  DIR/fashion-mnist/*.gz            4 files, 31 MB
  DIR/mnist/*.gz                    4 files, 12 MB
  DIR/cifar-10-batches-bin/*.bin    6 files, 184 MB (170 MB to download)

What is there already and right is left alone; what is not right is moved to
FILE.bad. A download that was cut off, by Ctrl-C or in any other way, goes on where
it stopped. Nothing gets its final name before its MD5 sum was found right: of the
unzipped bytes for the .gz files, so that a mirror may zip them anew, and of
cifar-10-binary.tar.gz as a whole.

Mirrors are tried in turn. A variable of the environment names others: URLs of
folders that hold a set's files, separated by spaces.
` + variables.String() + `

` + download.SumsVariable + ` names a file with other sums, lines of an MD5 sum, white space, and
SET/FILE without .gz: for mirrors of other versions of the sets.`)
}

// getData downloads the named sets, each once.
func getData(cmd *cobra.Command, dir string, names []string) error {
	if slices.Contains(names, "all") {
		names = download.Sets()
	}
	status := newLive(cmd.ErrOrStderr())
	var drawn time.Time
	g := download.Getter{
		Dir: dir, Getenv: os.Getenv,
		Say: func(line string) {
			status.clear()
			fmt.Fprintln(cmd.ErrOrStderr(), line)
		},
		Progress: func(done, total int64) {
			if now := time.Now(); now.Sub(drawn) > 100*time.Millisecond {
				drawn = now
				status.draw(soFar(done, total))
			}
		},
	}
	defer status.clear()
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		if err := g.Get(cmd.Context(), name); err != nil {
			return err
		}
	}
	return nil
}

// soFar says how much of a file there is; total is negative if nobody knows.
func soFar(done, total int64) string {
	const mb = 1e6
	if total < 0 {
		return fmt.Sprintf("%.1f MB", float64(done)/mb)
	}
	return fmt.Sprintf("%.1f of %.1f MB, %d %%", float64(done)/mb, float64(total)/mb, 100*done/max(total, 1))
}
