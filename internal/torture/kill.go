//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// kill is the campaign of that name. A case disturbs one call of the program in a
// new folder, calls it again as its user would until it has ended by itself, and
// compares the end with that of an undisturbed call.
func kill(s *session) error {
	scenarios, err := s.scenarios()
	if err != nil {
		return err
	}
	shares := len(scenarios)*5 + 2
	for _, sc := range scenarios {
		s.share(shares)
		s.killAtRandom(sc, unix.SIGKILL)
		s.share(shares)
		s.killAtRandom(sc, unix.SIGTERM)
		if err := s.killAtCalls(sc, shares); err != nil {
			return err
		}
	}
	s.share(shares)
	if err := s.fillDisk(scenarios[0]); err != nil {
		return err
	}
	s.share(shares)
	s.limitFiles(scenarios[0])
	return nil
}

// scenarios are what is disturbed, each of them undisturbed once.
func (s *session) scenarios() ([]*scenario, error) {
	data := filepath.Join(s.scratch, "data")
	if err := writeData(data); err != nil {
		return nil, err
	}
	var all []*scenario
	for _, x := range []struct {
		config config.Config
		status record.Status
	}{
		{finishing(data), record.Finished},
		{divergingInTest(data), record.Diverged},
		{divergingInStep(data), record.Diverged},
	} {
		sc, err := singleRun(s.scratch, x.config, x.status)
		if err != nil {
			return nil, err
		}
		all = append(all, sc)
	}
	sweep, err := smallSweep(s.scratch, data)
	if err != nil {
		return nil, err
	}
	all = append(all, sweep)
	for _, sc := range all {
		if err := s.undisturbed(sc); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// killAtRandom sends the signal at random moments, to the call and, in half of the
// cases, to the one that goes on from there.
func (s *session) killAtRandom(sc *scenario, signal unix.Signal) {
	name := fmt.Sprintf("%s, %v at random", sc.name, unix.SignalName(signal))
	s.sweep(name, 0, func(_ int, rng *rand.Rand) (broken, differs string) {
		out, remove := s.folder()
		defer remove()
		for calls := 1 + rng.IntN(2); calls > 0; calls-- {
			moment := time.Duration(math.Pow(rng.Float64(), 2) * float64(sc.took)) // most of the files come early
			broken += fmt.Sprintf("%v after %v, ", unix.SignalName(signal), moment.Round(time.Millisecond))
			var said strings.Builder
			cmd := exec.Command(s.bgmd, sc.again(out)...)
			cmd.SysProcAttr, cmd.Stderr = &syscall.SysProcAttr{Setpgid: true}, &said
			if err := cmd.Start(); err != nil {
				return broken, err.Error()
			}
			time.Sleep(moment)
			_ = unix.Kill(-cmd.Process.Pid, signal) // it may have ended, which its exit code tells
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code == sc.want.code { // it was faster
				return broken, sc.differs(out, code, said.String())
			}
		}
		return broken, s.finish(sc, out)
	})
}

// killAtCalls kills at every call that changes a file, and lets every one fail.
func (s *session) killAtCalls(sc *scenario, shares int) error {
	out, remove := s.folder()
	defer remove()
	all, _, err := s.traced(sc, out, plan{number: -1})
	if err != nil {
		return err
	}
	for _, how := range []disturbance{killedBefore, killedAfter, killedHalf, failing} {
		if how != killedHalf && how != killedBefore {
			s.share(shares)
		} else {
			s.share(2 * shares)
		}
		s.sweep(fmt.Sprintf("%s, %s a call", sc.name, how), all.calls, func(number int, rng *rand.Rand) (broken, differs string) {
			p := plan{number: number, how: how, errno: unix.ENOSPC}
			if rng.IntN(2) == 0 {
				p.errno = unix.EIO
			}
			return s.disturb(sc, p)
		})
	}
	return nil
}

// disturb is one case of killAtCalls.
func (s *session) disturb(sc *scenario, p plan) (broken, differs string) {
	out, remove := s.folder()
	defer remove()
	result, said, err := s.traced(sc, out, p)
	if err != nil {
		return "", err.Error()
	}
	broken = fmt.Sprintf("%s %s", p.how, result.hit)
	if result.hit == "" {
		return broken, fmt.Sprintf("there were %d calls only", result.calls)
	}
	var unsaid string
	// What can't be removed costs no result, and may be tried again.
	if p.how == failing && !strings.HasPrefix(result.hit, "unlinkat ") {
		unsaid = silent(result.code, said, p.errno)
	}
	return broken, joined(unsaid, s.finish(sc, out))
}

// joined joins what differs in a call, and in the one that goes on from there.
func joined(first, then string) string {
	switch {
	case first == "":
		return then
	case then == "":
		return first
	}
	return first + "; then " + then
}

// silent says in which way a call that met an error did not report it.
func silent(code int, said string, errno unix.Errno) string {
	if code == 1 && strings.Contains(said, errno.Error()) {
		return ""
	}
	return fmt.Sprintf("exit code %d (%s), want 1 and %q", code, lastLine(said), errno.Error())
}

// traced runs the scenario's call in the folder out under a tracer, and returns what
// it wrote, too.
func (s *session) traced(sc *scenario, out string, p plan) (result traced, said string, err error) {
	file, err := os.CreateTemp(s.scratch, "said")
	if err != nil {
		return result, "", err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	cmd := exec.Command(s.bgmd, sc.again(out)...)
	cmd.Stdout, cmd.Stderr = file, file
	if result, err = trace(cmd, out, p); err != nil {
		return result, "", err
	}
	text, err := os.ReadFile(file.Name())
	return result, string(text), err
}

// fillDisk runs the scenario on a disk of too small a size, and goes on when there
// is more room.
func (s *session) fillDisk(sc *scenario) error {
	name := sc.name + ", disk full"
	if !s.wanted(name) {
		return nil
	}
	disk := filepath.Join(s.scratch, "disk")
	mount := func(flags uintptr, bytes int) error {
		return unix.Mount("torture", disk, "tmpfs", flags, fmt.Sprint("size=", bytes))
	}
	err := os.MkdirAll(disk, 0o755)
	if err == nil {
		err = mount(0, 1<<20)
	}
	if err != nil {
		fmt.Fprintf(s.out, "%s: SKIPPED, no file system can be mounted here: %v\n", name, err)
		return nil
	}
	unmount := func() {
		if err := unix.Unmount(disk, 0); err != nil {
			panic(fmt.Sprintf("unmount %s: %v", disk, err))
		}
	}
	unmount()
	const page = 4096
	files, err := readFolder(filepath.Join(s.scratch, "undisturbed-"+sc.name))
	if err != nil {
		return err
	}
	most := 1
	for _, data := range files {
		most += len(data) / page
	}
	s.sweep(name, most, func(number int, _ *rand.Rand) (broken, differs string) {
		size := page * (1 + number)
		broken = fmt.Sprintf("a disk of %d bytes", size)
		if err := mount(0, size); err != nil {
			return broken, err.Error()
		}
		defer unmount()
		out := filepath.Join(disk, "out")
		code, _, stderr := s.call(sc.again(out)...)
		unsaid := silent(code, stderr, unix.ENOSPC)
		if err := mount(unix.MS_REMOUNT, 16<<20); err != nil {
			return broken, err.Error()
		}
		return broken, joined(unsaid, s.finish(sc, out))
	})
	return nil
}

// limitFiles runs the scenario where no file may be larger than some kilobytes, as
// batch systems' limits have it.
func (s *session) limitFiles(sc *scenario) {
	s.sweep(sc.name+", file size limited", 100, func(number int, _ *rand.Rand) (broken, differs string) {
		out, remove := s.folder()
		defer remove()
		broken = fmt.Sprintf("ulimit -f %d", number)
		cmd := exec.Command("sh", append([]string{"-c", broken + `; exec "$@"`, "sh", s.bgmd}, sc.again(out)...)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		var unsaid string
		if err := cmd.Run(); err != nil { // else everything fitted
			unsaid = silent(cmd.ProcessState.ExitCode(), stderr.String(), unix.EFBIG)
		}
		return broken, joined(unsaid, s.finish(sc, out))
	})
}
