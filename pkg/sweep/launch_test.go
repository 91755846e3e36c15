package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/config"
)

// scripted returns a launcher whose program is a shell script, and its runs.
func scripted(t *testing.T, script string, names ...string) (*Launcher, []Job) {
	t.Helper()
	l := &Launcher{Out: t.TempDir(), Program: []string{"sh", "-c", script, "bgmd"}, Jobs: 2, Cores: 4}
	var jobs []Job
	for _, name := range names {
		c := config.Defaults()
		c.Name = name
		jobs = append(jobs, Look(Run{c, filepath.Join(l.Out, name, "seed-1")}))
	}
	return l, jobs
}

// What a process is told, and what becomes of one that fails or crashes.
func TestProcesses(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		retried      string
		want         string // of the error
	}{
		{"error", `echo "$GOMAXPROCS $1 $2 ${3##*/} $4 ${5##*/out} $6 $7 $8"; echo bgmd: disk full; exit 1`, "",
			"exit status 1; LOG ends with\n    2 run --config error-seed-1.yaml --out OUT --workers 2 \n    bgmd: disk full"},
		{"panic", `echo panic: oh; echo goroutine 1; exit 2`, "exit status 2", "exit status 2; LOG ends with\n    panic: oh\n    goroutine 1"},
		{"killed", `echo bgmd: nearly; kill -9 $$`, "signal: killed", "signal: killed; LOG ends with\n    bgmd: nearly"},
		{"silent", `exit 1`, "exit status 1", "exit status 1; it said nothing"},
		{"idle", `exit 0`, "", "its process ended well, but its record is not complete"},
		{"long", `seq 1 20000; echo bgmd: end; exit 1`, "", "exit status 1; LOG ends with\n    19992\n    19993\n    19994\n    19995\n    19996\n    19997\n    19998\n    19999\n    20000\n    bgmd: end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, jobs := scripted(t, tt.script, tt.name)
			jobs, err := l.Launch(t.Context(), jobs)
			if err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(l.Out, ".sweep", tt.name+"-seed-1.log")
			want := strings.ReplaceAll(strings.ReplaceAll(tt.want, "LOG", log), "OUT", l.Out)
			if got := fmt.Sprint(jobs[0].Err); jobs[0].State != Failed || jobs[0].Retried != tt.retried || got != want {
				t.Errorf("%s, started again after %q, error:\n%s\nwant %q:\n%s", jobs[0].State, jobs[0].Retried, got, tt.retried, want)
			}
		})
	}
}

// The logs, configurations and the lock of a sweep spoil no file that somebody has
// put a link to in their place.
func TestLinksInTheSweepsFolder(t *testing.T) {
	for name, link := range map[string]func(old, new string) error{"link": os.Symlink, "hard link": os.Link} {
		for _, file := range []string{"a-seed-1.log", "a-seed-1.yaml", "lock"} {
			l, jobs := scripted(t, `echo bgmd: no; exit 1`, "a")
			victim, path := filepath.Join(l.Out, "victim"), filepath.Join(l.Out, Folder, file)
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(victim, []byte("precious"), 0o644), link(victim, path)); err != nil {
				t.Skip(err)
			}
			jobs, err := l.Launch(t.Context(), jobs)
			if text, _ := os.ReadFile(victim); string(text) != "precious" {
				t.Errorf("%s for %s: the victim holds %q", name, file, text)
			}
			switch file {
			case "lock":
				if err == nil {
					t.Errorf("%s for %s: no error", name, file)
				}
			case "a-seed-1.log":
				if err != nil || jobs[0].Err == nil || !strings.HasPrefix(jobs[0].Err.Error(), "open its log: open "+path+": it is a ") {
					t.Errorf("%s for %s: %v, %v", name, file, err, jobs)
				}
			}
		}
	}
}

// No more processes at a time than there are to be, and events for every one.
func TestEvents(t *testing.T) {
	l, jobs := scripted(t, `sleep 0.1; echo bgmd: no; exit 1`, "a", "b", "c", "d", "e")
	var said []string
	l.Observe = func(e Event) {
		running := 0
		for _, j := range e.Jobs {
			if j.State == Running {
				running++
			}
		}
		if running > 2 {
			t.Errorf("%d processes at a time", running)
		}
		if e.Job != nil {
			said = append(said, fmt.Sprint(e.Job.Config.Name, " ", e.Job.State))
		}
	}
	if _, err := l.Launch(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(said, ", "); len(said) != 10 || !strings.HasPrefix(got, "a running, b running, ") {
		t.Errorf("events were %s", got)
	}
}

// When the context ends, processes are told once, and have their time.
func TestInterrupt(t *testing.T) {
	l, jobs := scripted(t, `trap 'sleep 0.2; echo bye; exit 1' INT; echo ready; while :; do sleep 0.01; done`, "a", "b", "c")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for text := []byte(nil); !strings.Contains(string(text), "ready"); time.Sleep(time.Millisecond) {
			text, _ = os.ReadFile(filepath.Join(l.Out, ".sweep", "b-seed-1.log"))
		}
		time.Sleep(50 * time.Millisecond)
		cancel()
	}()
	jobs, err := l.Launch(ctx, jobs)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range jobs {
		if j.State != Todo || j.Err != nil {
			t.Errorf("%s is %s: %v", j, j.State, j.Err)
		}
		text, _ := os.ReadFile(filepath.Join(l.Out, ".sweep", j.Config.Name+"-seed-1.log"))
		if want := []string{"ready\nbye\n", "ready\nbye\n", ""}[i]; string(text) != want {
			t.Errorf("%s has said %q, want %q", j, text, want)
		}
	}
}

func TestRemaining(t *testing.T) {
	l := &Launcher{Jobs: 2, Cores: 4}
	job := func(rule string, state State, epochs int, seconds float64) Job {
		c := config.Defaults()
		c.Epochs, c.Aggregator.Rule = 10, rule
		return Job{Run: Run{Config: c}, State: state, Epochs: epochs, seconds: seconds, workers: 2, changed: time.Now()}
	}
	if got := l.remaining([]Job{job("mean", Running, 0, 0), job("cm", Todo, 0, 0)}); got != 0 {
		t.Errorf("%v left, before there was an epoch", got)
	}
	jobs := []Job{
		job("mean", Finished, 10, 100), // 10 s an epoch
		job("mean", Diverged, 0, 0),
		job("cm", Running, 5, 100),     // 20 s
		job("cm", Todo, 0, 0),          // 200 s
		job("krum", Todo, 0, 0),        // at 15 s, 150 s
		job("mean", Failed, 1, 10),     // none
		job("mean", Unfinished, 2, 20), // 80 s
		job("cm", Finished, 10, 9999),  // on other cores
	}
	jobs[7].workers = 1
	want := (100 + 200 + 150 + 80) * time.Second / 2
	if got := l.remaining(jobs).Round(time.Second); got != want {
		t.Errorf("%v left, want %v", got, want)
	}
	if got := jobs[2].Left.Round(time.Second); got != 100*time.Second {
		t.Errorf("%v left of the running one, want 100 s", got)
	}
}
