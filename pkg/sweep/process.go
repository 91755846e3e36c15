package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/pkg/record"
)

// patience is how long a run waits for another process to let go of its record:
// the kernel may take a moment to bury the process of a killed sweep.
const patience = 10 * time.Second

// tailLines is how much of a failed run's log its error shows.
const tailLines = 10

// train runs the processes of one run: one, or a second where the first crashed,
// of which retry is told. Without an error the run's record says how far it is.
func (l *Launcher) train(ctx context.Context, r Run, retry func(how string)) error {
	if err := unwritten(ctx, r.Dir); err != nil {
		return err
	}
	err := l.process(ctx, r)
	if crashed, ok := errors.AsType[*crash](err); ok && ctx.Err() == nil {
		retry(crashed.how)
		err = l.process(ctx, r)
	}
	now := Look(r)
	switch {
	case ctx.Err() != nil && now.Err == nil:
		return nil // it was told to stop, and can go on
	case err == nil && !now.Done():
		return errors.New("its process ended well, but its record is not complete")
	}
	return err
}

// unwritten waits until no process is writing the run in dir.
func unwritten(ctx context.Context, dir string) error {
	for start := time.Now(); ; time.Sleep(tick / 10) {
		by := record.WrittenBy(dir)
		if by == "" || ctx.Err() != nil {
			return nil
		}
		if time.Since(start) > patience {
			return fmt.Errorf("process %s is writing its record", by)
		}
	}
}

// crash is the error of a process that ended without saying why.
type crash struct {
	how string // such as "signal: killed"
	error
}

// process trains r in one process and waits for it. It is a [*crash] where the
// process was killed or panicked, and not where it ended with an error: that
// would be the same the next time.
func (l *Launcher) process(ctx context.Context, r Run) error {
	stem := filepath.Join(l.Out, Folder, r.Config.Name+"-"+filepath.Base(r.Dir))
	if err := safefile.Replace(stem+".yaml", r.Config.YAML()); err != nil {
		return fmt.Errorf("write its configuration: %w", err)
	}
	log, err := safefile.OpenOwn(stem+".log", os.O_CREATE|os.O_RDWR|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer log.Close()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("its log: %w", err)
	}
	args := []string{"run", "--config", stem + ".yaml", "--out", l.Out, "--workers", fmt.Sprint(l.workers())}
	if l.Device != "" {
		args = append(args, "--device", l.Device)
	}
	if record.Begun(r.Dir) {
		args = append(args, "--resume")
	}
	cmd := exec.CommandContext(ctx, l.Program[0], append(l.Program[1:len(l.Program):len(l.Program)], args...)...)
	if l.File != "" {
		cmd.Path = l.File
	}
	cmd.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", l.workers()))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = start(cmd)
	exit, exited := errors.AsType[*exec.ExitError](err)
	if err == nil || exited && exit.ExitCode() == l.Diverged {
		return nil
	}
	text := fmt.Errorf("%w; %s", err, tail(log, begin))
	if exited && !(exit.Exited() && explained(log, begin)) {
		return &crash{exit.Error(), text}
	}
	return text
}

// start runs cmd to its end, on one thread: Linux kills a child with the thread
// that started it, not only with the process.
func start(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// explained tells whether the log from begin on ends with the program's error
// message, and not with a panic's traces or in mid-run.
func explained(log *os.File, begin int64) bool {
	lines := lastLines(log, begin, 1)
	return len(lines) == 1 && strings.HasPrefix(lines[0], "bgmd: ")
}

// tail quotes the end of the log from begin on.
func tail(log *os.File, begin int64) string {
	lines := lastLines(log, begin, tailLines)
	if len(lines) == 0 {
		return "it said nothing"
	}
	return fmt.Sprintf("%s ends with\n    %s", log.Name(), strings.Join(lines, "\n    "))
}

// lastLines returns up to n lines from the end of the log, none from before
// begin and nothing from further back than some kilobytes.
func lastLines(log *os.File, begin int64, n int) []string {
	const window = 8 << 10
	if info, err := log.Stat(); err == nil {
		begin = max(begin, info.Size()-window)
	}
	text, err := io.ReadAll(io.NewSectionReader(log, begin, window))
	text = bytes.TrimSpace(text)
	if err != nil || len(text) == 0 {
		return nil
	}
	lines := strings.Split(string(text), "\n")
	return lines[max(0, len(lines)-n):]
}
