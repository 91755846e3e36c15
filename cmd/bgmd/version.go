package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/record"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of bgmd and what it was built with",
		Example: "  bgmd version",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			here := record.Here()
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "bgmd\t%s\n", here.Version)
			fmt.Fprintf(w, "commit\t%s\n", commit(here))
			fmt.Fprintf(w, "go\t%s %s/%s\n", here.Go, here.OS, here.Arch)
			fmt.Fprintf(w, "backend\t%s\n", gemm.Backend())
			return w.Flush()
		},
	}
}

// commit names the source that the program was built from.
func commit(env record.Environment) string {
	switch {
	case env.Commit == "":
		return "unknown"
	case env.Modified:
		return env.Commit + " (modified)"
	}
	return env.Commit
}
