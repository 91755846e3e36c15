package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/train"
)

func newConfigCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "List every setting, or print one configuration in full",
		Long: text(`
List every setting with its type, default, allowed values and meaning.

With --config, --set or --seed: check that configuration and print it in full,
as YAML, with every key resolved. A file may name another below it (base: FILE);
what is written nowhere comes from the profile. A number that is not finite is
never allowed. About how much memory a run takes goes to the standard error: 'run'
refuses what takes more than this machine or its control group has left.

A value behind --set is no YAML. It is taken whole, as the shell hands it over:
--set 'data.dir=/my #1 data' needs no further quotes, and any that are there
belong to the value. A list is written [200, 100].`),
		Example: text(`
  bgmd config
  bgmd config --json
  bgmd config --config configs/quickstart.yaml
  bgmd config --set profile=author-code --set optimizer.lr=0.1`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			switch {
			case configFlagsUsed(cmd):
				c, err := loadConfig(cmd)
				if err != nil {
					return err
				}
				if _, err = out.Write(c.YAML()); err != nil {
					return err
				}
				m, err := train.MemoryOf(c)
				if err == nil {
					_, err = fmt.Fprintf(cmd.ErrOrStderr(), "memory of a run: about %v\n", m)
				}
				return err
			case asJSON:
				return table.WriteJSON(out, config.Keys())
			}
			_, err := io.WriteString(out, keyTable(config.Keys(), lineWidth(out)))
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "list the settings as JSON")
	addConfigFlags(cmd)
	for _, name := range configFlags {
		cmd.MarkFlagsMutuallyExclusive("json", name)
	}
	return cmd
}

// gap separates the columns of a table.
const gap = "  "

// keyTable lists keys in aligned columns. Where the lines would be longer than
// width, which 0 does not limit, the last column goes under the others.
func keyTable(keys []config.Key, width int) string {
	rows := [][]string{{"KEY", "TYPE", "DEFAULT", "ALLOWED", "MEANING"}}
	for _, k := range keys {
		rows = append(rows, []string{k.Path, string(k.Type), shownDefault(k.Default), k.Allowed, k.Meaning})
	}
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	last := len(wide) - 1
	total := last * len(gap)
	for _, w := range wide {
		total += w
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row[:last] {
			line.WriteString(cell + strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell)) + gap)
		}
		if width > 0 && total > width {
			b.WriteString(strings.TrimRight(line.String(), " ") + "\n      " + row[last] + "\n")
		} else {
			b.WriteString(line.String() + row[last] + "\n")
		}
	}
	return b.String()
}

func shownDefault(v any) string {
	if v == "" {
		return `""`
	}
	if list, ok := v.([]int); ok {
		return strings.ReplaceAll(fmt.Sprint(list), " ", ", ")
	}
	return fmt.Sprint(v)
}
