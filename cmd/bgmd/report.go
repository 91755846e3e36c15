package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/report"
)

func newReportCommand() *cobra.Command {
	var results, out, serve string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Make one page of all records: tables, figures, configurations, logs",
		Long: text(`
Make one HTML page of the records below --results: the paper's tables with what
was measured, figures to explore (hover, hide a line, change the axes), and every
run's configuration, environment and log, with filters by profile, data set,
corruption and aggregator. The page is made of the records alone and needs no
network.

With --serve the page is served instead and follows a sweep as it goes on; Ctrl-C
ends it. Only this machine can open it, unless another address is written out, such
as 0.0.0.0:8080: then whoever reaches it can read the records.`),
		Example: text(`
  bgmd report
  bgmd report --results runs -o runs.html
  bgmd report --results runs --serve
  bgmd report --results runs --serve=127.0.0.1:9000`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(results); err != nil {
				return &inputError{fmt.Errorf("--results: %w", err)}
			}
			if cmd.Flags().Changed("serve") {
				s, err := newPageServer(serve, results)
				if err != nil {
					return err
				}
				return s.run(cmd)
			}
			data := report.Read(results)
			for _, line := range data.LeftOut {
				fmt.Fprintf(cmd.ErrOrStderr(), "bgmd: left out: %s\n", printable.Text(line))
			}
			html, err := data.HTML()
			if err != nil {
				return err
			}
			if err := safefile.Write(out, html); err != nil {
				return err
			}
			unsealed := ""
			if n := data.Unsealed(); n > 0 {
				unsealed = fmt.Sprintf(", %d of them unsealed: of a version that kept no sums of a record's files", n)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d runs%s\n", out, len(data.Runs), unsealed)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&results, "results", "results", "`folder` below which records are looked for")
	f.StringVarP(&out, "out", "o", "report.html", "`file` to write")
	f.StringVar(&serve, "serve", "", "serve the page at this `address` and keep it up to date (--serve alone: 127.0.0.1:8080)")
	f.Lookup("serve").NoOptDefVal = "127.0.0.1:8080"
	if err := cmd.MarkFlagDirname("results"); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
	return cmd
}
