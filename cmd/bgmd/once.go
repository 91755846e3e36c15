package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// refuseTwice makes every command below cmd refuse a flag that is given twice, of
// which pflag would keep the last, unless it takes several values.
func refuseTwice(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, several := f.Value.(pflag.SliceValue); !several {
			f.Value = &onceValue{Value: f.Value}
		}
	})
	for _, sub := range cmd.Commands() {
		refuseTwice(sub)
	}
}

// onceValue is a flag's value that can be set once.
type onceValue struct {
	pflag.Value
	set bool
}

// errTwice is why a onceValue refuses a value.
var errTwice = errors.New("given twice")

func (v *onceValue) Set(text string) error {
	if v.set {
		return errTwice
	}
	v.set = true
	return v.Value.Set(text)
}
