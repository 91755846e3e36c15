package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/agg"
)

// fewRows is the number of rows for which the largest f is listed: the clients
// of the paper's experiments on Fashion-MNIST.
const fewRows = 32

func newRulesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the aggregation rules and what each can stand",
		Long: text(`
List the aggregation rules, those of the paper's Table 1 first, and the
pre-aggregators that can go before any of them. n is the number of rows, d their
length, f the number of rows that are assumed to be corrupt and β the share that
is trimmed. The breakdown point is the share of corrupt rows from which on one
call's result is unbounded; where it is f/n, the rule stands what it is told of,
and the arrow says what that can be for many rows. The paper's table prints ⌊β⌋
for the last three of its rules, where β is meant. [bgmd] is that paper. A rule with
n² in its cost takes at most 10000 rows.

Options are keys below aggregator in a configuration, and --opt of bgmd
aggregate. An option has no effect on rules that do not list it.`),
		Example: text(`
  bgmd rules
  bgmd rules --json`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l := listing{}
			for _, r := range agg.Rules() {
				l.Rules = append(l.Rules, listed{r.Name, r.Title, r.Options, r.Needs, r.Cost, r.Breakdown, r.MaxCorrupt(fewRows), r.Source})
			}
			for _, p := range agg.PreAggregators() {
				l.PreAggregators = append(l.PreAggregators, listedPre{p.Name, p.Title, p.Options, p.Needs, p.Cost, p.Source})
			}
			if asJSON {
				return table.WriteJSON(cmd.OutOrStdout(), l)
			}
			return l.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type listing struct {
	Rules          []listed    `json:"rules"`
	PreAggregators []listedPre `json:"pre_aggregators"`
}

type listed struct {
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Options    []string `json:"options,omitempty"`
	Needs      string   `json:"needs,omitempty"`
	Cost       string   `json:"cost"`
	Breakdown  string   `json:"breakdown_point"`
	MaxCorrupt int      `json:"max_corrupt_of_32"`
	Source     string   `json:"source"`
}

type listedPre struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Options []string `json:"options,omitempty"`
	Needs   string   `json:"needs,omitempty"`
	Cost    string   `json:"cost"`
	Source  string   `json:"source"`
}

func (l listing) write(out io.Writer) error {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "    %-11s %s\n", name, value)
		}
	}
	for _, r := range l.Rules {
		fmt.Fprintf(&b, "%s: %s\n", r.Name, r.Title)
		field("breakdown", fmt.Sprintf("%s; at most %d of %d rows", r.Breakdown, r.MaxCorrupt, fewRows))
		field("cost", r.Cost)
		field("needs", r.Needs)
		field("options", strings.Join(r.Options, ", "))
		field("source", r.Source)
		b.WriteString("\n")
	}
	b.WriteString("Before any rule:\n\n")
	for _, p := range l.PreAggregators {
		fmt.Fprintf(&b, "%s: %s\n", p.Name, p.Title)
		field("cost", p.Cost)
		field("needs", p.Needs)
		field("options", strings.Join(p.Options, ", "))
		field("source", p.Source)
		b.WriteString("\n")
	}
	b.WriteString("Around any rule but centred-clipping:\n\nblock: the rule on the k = βd columns with the largest norms, with a memory of the rest\n")
	field("breakdown", "the rule's in one call; over many, what the memory lets through")
	field("cost", "O(nd), and the rule's on n×k")
	field("options", "aggregator.block.fraction, select and memory")
	field("source", "[bgmd, Algorithms 1 and 2]")
	_, err := io.WriteString(out, b.String())
	return err
}
