package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgmd/bgmd/pkg/config"
)

// configFlags are the flags that addConfigFlags adds.
var configFlags = []string{"config", "set", "seed"}

// addConfigFlags adds the flags that say what a command's configuration is.
func addConfigFlags(cmd *cobra.Command) {
	cmd.Flags().StringP("config", "c", "", "read the configuration from this YAML `file`")
	cmd.Flags().StringArray("set", nil, "set one key, over the file (repeatable), as `key=value`, text to the letter")
	cmd.Flags().Uint64("seed", 0, "set the seed, over the file and --set")
	keys := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, key := range config.Keys() {
			names = append(names, key.Path+"=\t"+key.Meaning)
		}
		return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("set", keys); err != nil {
		panic(err) // there is no flag --set, or it has a completion: a mistake in this function
	}
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err)
	}
}

func configFlagsUsed(cmd *cobra.Command) bool {
	for _, name := range configFlags {
		if cmd.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// loadConfig returns the valid configuration that the flags of cmd, which
// addConfigFlags has added, describe, as [config.Load] does. Its error is an
// errConfig. What is allowed but hardly meant it says on cmd's standard error.
func loadConfig(cmd *cobra.Command) (config.Config, error) {
	var files []string
	if file := cmd.Flags().Lookup("config"); file.Changed {
		files = []string{file.Value.String()}
	}
	sets := assignments(cmd)
	if seed := cmd.Flags().Lookup("seed"); seed.Changed {
		sets = append(sets, "seed="+seed.Value.String())
	}
	c, err := config.Load(files, sets)
	if err != nil {
		return c, &configError{err}
	}
	printError(cmd.ErrOrStderr(), "bgmd: warning: ", errors.Join(c.Warnings()...))
	return c, nil
}

// assignments returns the values of --set as they were given. GetStringArray sends
// them through CSV, which makes \n of \r\n.
func assignments(cmd *cobra.Command) []string {
	return cmd.Flags().Lookup("set").Value.(pflag.SliceValue).GetSlice()
}

// configError is an errConfig that says only what is wrong.
type configError struct{ error }

func (e *configError) Unwrap() error        { return e.error }
func (e *configError) Is(target error) bool { return target == errConfig }
