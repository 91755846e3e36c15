package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/train"
)

func newDataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Get data sets, and look at them: what is there, who gets which samples, what corruption does",
		Example: text(`
  bgmd data get fashion-mnist
  bgmd data list
  bgmd data verify mnist
  bgmd data partition --config configs/quickstart.yaml -o part.png
  bgmd data show --config configs/fashion-mnist/base.yaml -o sheet.png`),
		Args: cobra.NoArgs, // which names a mistyped subcommand
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(stoppable(newDataGetCommand()), newDataListCommand(), newDataVerifyCommand(), newDataPartitionCommand(), newDataShowCommand())
	return cmd
}

// addDataDir adds the flag that says where the sets are, also under the name that
// it had first and that doctor has.
func addDataDir(cmd *cobra.Command, dir *string) {
	flags := cmd.Flags()
	flags.StringVar(dir, "dir", "data", "data `folder`, with one subfolder a data set")
	flags.StringVar(dir, "data-dir", "data", "")
	cmd.MarkFlagsMutuallyExclusive("dir", "data-dir")
	if err := errors.Join(cmd.MarkFlagDirname("dir"), flags.MarkHidden("data-dir")); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
}

func newDataListCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the data sets and how they fare",
		Example: "  bgmd data list --dir /srv/data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "SET\tIMAGES\tTRAIN\tTEST\tCLASSES\tSTATE\n")
			for _, name := range data.Names() {
				set, err := data.Load(name, dir, 1)
				s := examined(name, set, err)
				if err != nil {
					fmt.Fprintf(w, "%s\t\t\t\t\t%s; get it with: %s\n", name, statusText[s.Status], s.Fetch)
					continue
				}
				fmt.Fprintf(w, "%s\t%v\t%d\t%d\t%d\t%s\n", name, set.Shape, set.Train.Len(), set.Test.Len(), set.Classes, statusText[s.Status])
			}
			return w.Flush()
		},
	}
	addDataDir(cmd, &dir)
	return cmd
}

func newDataVerifyCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "verify [SET...]",
		Short: "Compare the files of data sets with the published ones",
		Long: text(`
Read the files of the named data sets, or of all that are there, and print their
MD5 sums and whether they are the published files. Exit code 3 says that one is
missing, damaged or another.`),
		Example:   "  bgmd data verify mnist fashion-mnist",
		ValidArgs: data.Names(),
		RunE: func(cmd *cobra.Command, names []string) error {
			for _, name := range names {
				if !slices.Contains(data.Names(), name) {
					return &configError{fmt.Errorf("unknown set %q (have %s)", name, strings.Join(data.Names(), ", "))}
				}
			}
			return verify(cmd.OutOrStdout(), dir, names)
		},
	}
	addDataDir(cmd, &dir)
	return cmd
}

// verify prints the sums of the named sets' files, or of those of all sets that
// are there. Its error is one of data.
func verify(out io.Writer, dir string, names []string) error {
	var problems []error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	some := len(names) > 0
	if !some {
		names = data.Names()
	}
	for _, name := range names {
		s := examine(name, dir)
		switch {
		case s.Status == "missing" && !some:
		case s.Status == "missing" || s.Status == "damaged":
			problems = append(problems, fmt.Errorf("%s: %w: %s; get it with: %s", name, data.ErrData, strings.Join(s.Problems, "; "), s.Fetch))
		case s.Files == nil:
			fmt.Fprintf(w, "%s\tbuilt in\t\n", name)
		}
		others := 0
		for _, f := range s.Files {
			verdict := "published"
			if !f.Official {
				verdict = "NOT the published file"
				others++
			}
			fmt.Fprintf(w, "%s/%s\t%s\t%s\n", name, f.Name, f.MD5, verdict)
		}
		if others > 0 {
			problems = append(problems, &inputError{fmt.Errorf("%s: %d of %d files are not the published ones", name, others, len(s.Files))})
		}
	}
	return errors.Join(append(problems, w.Flush())...)
}

func newDataPartitionCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "partition [--config FILE]",
		Short: "Show how many samples of each class every client gets",
		Long: text(`
Print how many samples of each class every client of a configuration draws from,
and how often it passes over them in an epoch. With --out, draw it, too: a disc a
client and class whose area is the number of samples (.png, .svg or .pdf).`),
		Example: text(`
  bgmd data partition --config configs/quickstart.yaml
  bgmd data partition --set data.set=mnist --set data.partition=dirichlet --set data.alpha=0.1 -o part.png`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if out != "" {
				if err := checkPicture("out", out); err != nil {
					return err
				}
			}
			set, parts, steps, err := train.Shares(c)
			if err != nil {
				return c.Locate(err)
			}
			counts := make([][]int, len(parts))
			for i, part := range parts {
				counts[i] = make([]int, set.Classes)
				for _, sample := range part {
					counts[i][set.Train.Labels[sample]]++
				}
			}
			if err := writeShares(cmd.OutOrStdout(), c, set, counts, steps); err != nil || out == "" {
				return err
			}
			plot, err := plots.CountsPlot(fmt.Sprintf("%s, %s, seed %d", set.Name, partitionText(c), c.Seed), set.ClassNames, counts)
			if err != nil {
				return err
			}
			return saveAndTell(cmd, plot, out)
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "`file` to draw it into")
	return cmd
}

// partitionText describes a configuration's partition for people.
func partitionText(c config.Config) string {
	switch c.Data.Partition {
	case "shards":
		return fmt.Sprintf("%d shards a client", c.Data.Shards)
	case "dirichlet":
		return fmt.Sprintf("Dirichlet(%g)", c.Data.Alpha)
	}
	return c.Data.Partition
}

// writeShares prints the table of a partition.
func writeShares(out io.Writer, c config.Config, set *data.Set, counts [][]int, steps int) error {
	fmt.Fprintf(out, "%s, %s, %d clients × %d samples, seed %d: %d steps an epoch\n\n",
		set.Name, partitionText(c), c.Data.Clients, c.Data.Batch, c.Seed, steps)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "client\t%s\tclasses\tsamples\tpasses\t\n", strings.Join(set.ClassNames, "\t"))
	for i, row := range counts {
		name, drawers := fmt.Sprint(i), 1
		if len(counts) < c.Data.Clients {
			name, drawers = "all", c.Data.Clients
		}
		fmt.Fprintf(w, "%s\t", name)
		classes, sum := 0, 0
		for _, n := range row {
			fmt.Fprintf(w, "%d\t", n)
			sum += n
			if n > 0 {
				classes++
			}
		}
		fmt.Fprintf(w, "%d\t%d\t%.2f\t\n", classes, sum, float64(steps*c.Data.Batch*drawers)/float64(sum))
	}
	return w.Flush()
}
