package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// TestFlagsGivenTwice: no flag of any command takes the last of two values without a
// word.
func TestFlagsGivenTwice(t *testing.T) {
	value := map[string]string{"bool": "true", "int": "1", "uint64": "1", "float64": "0.5", "duration": "1s", "string": "x"}
	tried := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, several := f.Value.(pflag.SliceValue); several {
				return
			}
			v := value[f.Value.Type()]
			err := cmd.ParseFlags([]string{fmt.Sprintf("--%s=%s", f.Name, v), fmt.Sprintf("--%s=%s", f.Name, v)})
			if err == nil || !strings.Contains(flagError(err).Error(), "--"+f.Name+" is given twice") {
				t.Errorf("%s --%s: error is %v", cmd.CommandPath(), f.Name, err)
			}
			tried++
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())
	if tried < 50 {
		t.Errorf("%d flags were tried", tried)
	}
}

// TestTerminal: a picture is not written to a terminal, before any work is done.
func TestTerminal(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil || !term.IsTerminal(int(terminal.Fd())) {
		t.Skip("no terminal here: ", err)
	}
	defer terminal.Close()
	var stderr strings.Builder
	code := execute(context.Background(), []string{"aggregate", "none.npy", "-o", "-"}, terminal, &stderr)
	want := "bgmd: --out is \"-\", but standard output is a terminal, which cannot show it: want a file or a pipe\n"
	if code != exitUsage || stderr.String() != want {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}
