package train

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// TestKillAndResume kills a process in the middle of a run, as kill -9 does,
// at several steps, and goes on with the run in this process. What comes out
// is what an undisturbed run gives.
func TestKillAndResume(t *testing.T) { killAndResume(t, tiny(t), "") }

// killAndResume is a test of that name, on the named device.
func killAndResume(t *testing.T, c config.Config, device string) {
	const variable = "BGMD_TEST_KILL"
	c.Aggregator.Rule, c.Aggregator.Block.Fraction, c.Optimizer.Momentum = "gm", 0.1, 0.9
	if args := os.Getenv(variable); args != "" {
		c.Data.Dir, args, _ = strings.Cut(args, "\n")
		_, err := Run(context.Background(), c, args, Options{Device: device, Observe: func(p Progress) { fmt.Println(p.Epoch, p.Step) }})
		t.Fatal("not killed: ", err)
	}
	if testing.Short() {
		t.Skip("starts processes")
	}

	undisturbed := runOn(t, c, device)
	want := metrics(t, undisturbed)
	for _, last := range []string{"0 2", "1 1", "2 1"} {
		dir := filepath.Join(t.TempDir(), "run")
		child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
		child.Env = append(os.Environ(), variable+"="+c.Data.Dir+"\n"+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var said []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if said = append(said, lines.Text()); lines.Text() == last {
				break
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the process ended with %v after saying %q", err, said)
		}

		s, err := Run(context.Background(), c, dir, Options{Resume: true, Device: device})
		if err != nil {
			t.Fatal(err)
		}
		if s.Status != record.Finished || s.Digest != undisturbed.Summary.Digest {
			t.Errorf("killed after %q: %s with digest %s, want %s", last, s.Status, s.Digest, undisturbed.Summary.Digest)
		}
		r, err := record.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := metrics(t, r); got != want {
			t.Errorf("killed after %q: metrics are\n%s\nwant\n%s", last, got, want)
		}
	}
}

// metrics is the text of a run's epochs without timings.
func metrics(t *testing.T, r *record.Run) string {
	t.Helper()
	var b strings.Builder
	for _, e := range r.Epochs {
		gm, block := e.GM, e.Block
		e.GM, e.Block, e.Seconds, e.Elapsed = nil, nil, record.Seconds{}, 0
		fmt.Fprintf(&b, "%+v %+v %+v\n", e, gm, block)
	}
	return b.String()
}
