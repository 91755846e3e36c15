package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/breakdown"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/record"
)

func newTableCommand() *cobra.Command {
	tables := []string{"table1", "table2", "table3", "runs"}
	var results, format, profile, out string
	cmd := &cobra.Command{
		Use:   "table table1|table2|table3|runs",
		Short: "Set measured figures beside the paper's",
		Long: text(`
Set what was measured beside what the paper prints. table2 and table3 are those
of the paper, a row a setting and number of epochs, a column an aggregator: mean
± deviation over the seeds, the paper's figure, the authors' own public runs, the
difference and a verdict, the rule for which stands below the table. runs has
whatever settings and aggregators the records have, in the same manner, and rows
apart for runs set up otherwise than most of their cell. Of runs with the same
configuration and seed one counts; the others are named. table1
sets the asymptotic cost and breakdown point of each rule beside those measured by
'bgmd bench agg' and 'bgmd breakdown', read from RESULTS/aggregation/rules.json
and RESULTS/breakdown/breakdown.csv.

A table is of one profile: protocols are not mixed. Without --profile it is the
one with the most runs.`),
		Example: text(`
  bgmd table table2
  bgmd table table2 --results results/table2 --format latex -o table2.tex
  bgmd table runs --results runs --profile paper --format csv`),
		ValidArgs: tables,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(tables, args[0]) {
				return fmt.Errorf("table: got %q, want one of %s", strings.Join(args, " "), strings.Join(tables, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := table.CheckFormat(format); err != nil {
				return badFlags(err)
			}
			if profile != "" && !slices.Contains(config.Profiles(), profile) {
				return &configError{fmt.Errorf("--profile is %q, want one of %s", profile, strings.Join(config.Profiles(), ", "))}
			}
			var b bytes.Buffer
			var err error
			if args[0] == "table1" {
				times, points := breakdown.Table1Files(results)
				if err := notRead("--out", out, map[string]string{times: "what the table is made of", points: "what the table is made of"}); err != nil {
					return &configError{err}
				}
				var t table.Table
				if t, err = breakdown.Table1(results); err != nil {
					return &inputError{fmt.Errorf("table1: %w", err)}
				}
				err = t.Write(&b, format)
			} else {
				var t *evidence.Table
				if t, err = runsTable(cmd, args[0], results, profile); err == nil {
					err = t.Write(&b, format)
				}
			}
			if err != nil {
				return err
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(b.Bytes())
				return err
			}
			return safefile.Write(out, b.Bytes())
		},
	}
	f := cmd.Flags()
	f.StringVar(&results, "results", "results", "`folder` below which records are looked for")
	f.StringVarP(&format, "format", "f", "text", "`format`: "+strings.Join(table.Formats(), ", "))
	f.StringVar(&profile, "profile", "", "`profile` of the runs: "+strings.Join(config.Profiles(), ", ")+" (default: that of most)")
	f.StringVarP(&out, "out", "o", "", "write to this `file`")
	if err := cmd.MarkFlagDirname("results"); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
	return cmd
}

// runsTable builds a table of the records below a folder.
func runsTable(cmd *cobra.Command, name, results, profile string) (*evidence.Table, error) {
	runs, err := readResults(cmd, results)
	if err != nil {
		return nil, err
	}
	number := map[string]int{"table2": 2, "table3": 3}[name]
	if profile == "" {
		var sets []string // of the paper's table, or nil for all
		for _, row := range paper.Rows(number) {
			sets = append(sets, row.DataSet)
		}
		profile = evidence.MainProfile(runs, sets...)
		noteOtherProfiles(cmd, runs, profile, sets)
	}
	var t *evidence.Table
	if number > 0 {
		t, err = evidence.PaperTable(number, runs, profile)
	} else {
		t, err = evidence.RunsTable("Test accuracy, %, of the runs in "+filepath.Clean(results), runs, profile)
	}
	warn(cmd, err)
	return t, nil
}

// noteOtherProfiles says how many runs on the given data sets, nil for all, are not in a
// table of one profile.
func noteOtherProfiles(cmd *cobra.Command, runs []*record.Run, profile string, sets []string) {
	others := map[string]int{}
	for _, run := range runs {
		f, err := evidence.FactsOf(run)
		if err == nil && f.Profile != profile && (sets == nil || slices.Contains(sets, f.DataSet)) {
			others[f.Profile]++
		}
	}
	for _, other := range slices.Sorted(maps.Keys(others)) {
		fmt.Fprintf(cmd.ErrOrStderr(), "bgmd: left out: %s of profile %s, which --profile %[2]s shows\n", plural(others[other], "run", "runs"), other)
	}
}

// readResults reads the runs below a folder, at least one. It warns of those that cannot
// be read and leaves them out.
func readResults(cmd *cobra.Command, folder string) ([]*record.Run, error) {
	if _, err := os.Stat(folder); err != nil {
		return nil, &inputError{fmt.Errorf("--results: %w", err)}
	}
	runs, err := record.ReadAll(folder)
	if len(runs) == 0 {
		return nil, &inputError{cmp.Or(err, fmt.Errorf("--results: found no run below %s", folder))}
	}
	warn(cmd, err)
	return runs, nil
}

// warn prints errors that leave a result possible, each once, one a line.
func warn(cmd *cobra.Command, errs ...error) {
	err := errors.Join(errs...)
	if err == nil {
		return
	}
	said := map[string]bool{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !said[line] {
			fmt.Fprintf(cmd.ErrOrStderr(), "bgmd: left out: %s\n", printable.Text(line))
		}
		said[line] = true
	}
}
