package record

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestOneWriterAtATime(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 1)
	who := fmt.Sprint("the run is being written by process ", os.Getpid())
	_, err := Create(dir, []byte(config), environment())
	wantError(t, "Create", err, dir, "record: create run in DIR: "+who)
	_, err = Resume(dir, []byte(config), environment(), markOf(t, dir, 0))
	wantError(t, "Resume", err, dir, "record: resume run in DIR: "+who)
	if !errors.Is(err, ErrLocked) {
		t.Errorf("error is not ErrLocked: %v", err)
	}
	end(t, w, Interrupted)

	var mu sync.Mutex
	var winners []*Writer
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, 0))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				winners = append(winners, w)
			} else if !errors.Is(err, ErrLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d writers at a time", len(winners))
	}
	end(t, winners[0], Finished)
}

func TestLockErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, lockName)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Create(dir, []byte(config), environment())
	wantError(t, "a folder in the way", err, dir, "record: create run in DIR: lock: open DIR/lock: it is a folder, want a regular file")
}

// child is set in the environment of this test binary when it is to write a
// run in the folder given until it is killed.
const child = "BGMD_RECORD_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(child); dir != "" {
		write(dir)
	}
	os.Exit(m.Run())
}

// write records epochs without end, naming each on standard output.
func write(dir string) {
	w, err := Create(dir, []byte(config), environment())
	for i, e := range epochs(10_000) {
		if err == nil {
			err = w.Epoch(e)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

// After kill -9 every epoch that was reported is there, the file is whole, and
// the run can be resumed at once.
func TestKill(t *testing.T) {
	for kills := range 5 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 20 + kills {
			lines.Scan()
		}
		last := 19 + kills
		if got := lines.Text(); got != fmt.Sprint(last) {
			t.Fatalf("the child says %s, want %d", got, last)
		}
		_, err = Resume(dir, []byte(config), environment(), markOf(t, dir, 0))
		wantError(t, "while it is written", err, dir, fmt.Sprint("record: resume run in DIR: the run is being written by process ", cmd.Process.Pid))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // "signal: killed"

		data, err := os.ReadFile(filepath.Join(dir, metricsName))
		if err != nil || !strings.HasSuffix(string(data), "}\n") {
			t.Errorf("metrics.jsonl: %v, ends with half a line", err)
		}
		w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, last))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "epochs kept", w.Epochs(), epochs(last+1))
		end(t, w, Finished)
		if got, want := names(t, dir), "config.yaml environment.json metrics.jsonl summary.json"; got != want {
			t.Errorf("the folder holds %s, want %s", got, want)
		}
		mustRead(t, dir)
	}
}
