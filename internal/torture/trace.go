//go:build linux && (amd64 || arm64)

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// plan says at which call that changes files a traced program is disturbed, and
// how. The zero value disturbs the first; a number below zero none.
type plan struct {
	number int // of the call, from 0
	how    disturbance
	errno  unix.Errno // of failing
}

// disturbance is what happens at a call.
type disturbance string

const (
	killedBefore disturbance = "killed before"
	killedAfter  disturbance = "killed after"
	killedHalf   disturbance = "killed half-way through" // of a write; like killedAfter for others
	failing      disturbance = "failing"
)

// traced is what became of a traced program.
type traced struct {
	calls int    // that changed files
	hit   string // the call that was disturbed; empty where none was
	code  int    // exit code, −1 where it was killed
}

// fileCalls are the system calls that change files, as Go's runtime makes them. Of
// those that open one, only those count that may create or cut it.
var fileCalls = map[uint64]string{
	unix.SYS_OPENAT: "openat", unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite", unix.SYS_WRITEV: "writev",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_LINKAT: "linkat",
	unix.SYS_SYMLINKAT: "symlinkat", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_MKDIRAT: "mkdirat",
	unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
}

// tracer follows a program, its threads and its children.
type tracer struct {
	plan   plan
	root   string // calls that change what is below it count
	result traced
	tasks  map[int]bool // threads by number; true between a call's entry and its exit
	victim int          // the thread whose call is being disturbed, 0 for none
}

// trace runs cmd, whose output must go to files, to its end and disturbs it as
// planned. Only calls about files below root count, logs aside.
func trace(cmd *exec.Cmd, root string, p plan) (traced, error) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return traced{}, err
	}
	pid := cmd.Process.Pid
	defer func() { _ = cmd.Process.Release() }() // Wait4 takes its place
	t := &tracer{plan: p, root: root, tasks: map[int]bool{pid: false}}
	defer t.kill()
	// The clock is the program's only way out should the tracer wait for ever.
	clock := time.AfterFunc(patience, func() { _ = unix.Kill(-pid, unix.SIGKILL) })
	defer clock.Stop()

	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return traced{}, fmt.Errorf("wait for %s to start: %w", cmd.Path, err)
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL |
		unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		return traced{}, fmt.Errorf("trace: %w", err)
	}
	if err := unix.PtraceSyscall(pid, 0); err != nil {
		return traced{}, fmt.Errorf("trace: %w", err)
	}
	for {
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return t.result, nil
		case err != nil:
			return t.result, fmt.Errorf("trace: %w", err)
		case !status.Stopped(): // it has ended
			delete(t.tasks, tid)
			if tid == pid {
				t.result.code = status.ExitStatus() // −1 for a signal
			}
			continue
		}
		if err := t.stopped(tid, status); err != nil && !errors.Is(err, unix.ESRCH) { // it may have died meanwhile
			return t.result, fmt.Errorf("trace: %w", err)
		}
	}
}

// stopped looks at why a thread stopped and lets it go on.
func (t *tracer) stopped(tid int, status unix.WaitStatus) error {
	_, known := t.tasks[tid]
	if !known {
		t.tasks[tid] = false
	}
	signal := int(status.StopSignal())
	switch {
	case signal == int(unix.SIGTRAP)|0x80:
		if err := t.atCall(tid); err != nil {
			return err
		}
		signal = 0
	case signal == int(unix.SIGTRAP): // a clone or an exec
		signal = 0
	case signal == int(unix.SIGSTOP) && !known: // how a new thread begins
		signal = 0
	}
	return unix.PtraceSyscall(tid, signal)
}

// atCall handles the entry to a system call, or the exit from it.
func (t *tracer) atCall(tid int) error {
	t.tasks[tid] = !t.tasks[tid]
	if !t.tasks[tid] {
		if tid != t.victim {
			return nil
		}
		t.victim = 0
		if t.plan.how == failing {
			return setResult(tid, t.plan.errno)
		}
		t.kill()
		return nil
	}
	number, args, err := callInfo(tid)
	if err != nil {
		return err
	}
	name, ok := fileCalls[number]
	if !ok {
		return nil
	}
	path := t.path(tid, name, args)
	if path == "" || !strings.HasPrefix(path, t.root) || filepath.Ext(path) == ".log" {
		return nil
	}
	t.result.calls++
	if t.result.calls-1 != t.plan.number {
		return nil
	}
	t.result.hit = fmt.Sprintf("%s %s", name, filepath.Base(path))
	switch {
	case t.plan.how == killedBefore:
		t.kill()
		return nil
	case t.plan.how == failing:
		err = setNumber(tid, -1)
	case t.plan.how == killedHalf && strings.Contains(name, "write") && name != "writev":
		err = setThird(tid, args[2]/2)
	}
	t.victim = tid
	return err
}

// kill kills everything that is being followed, at once.
func (t *tracer) kill() {
	for tid := range t.tasks {
		_ = unix.Kill(tid, unix.SIGKILL) // it may be dead already
	}
}

// path is the file or folder that a call changes, empty where it changes none.
func (t *tracer) path(tid int, name string, args [6]uint64) string {
	switch name {
	case "openat":
		if args[2]&(unix.O_CREAT|unix.O_TRUNC|unix.O_TMPFILE&^unix.O_DIRECTORY) == 0 {
			return ""
		}
		return text(tid, args[1])
	case "renameat", "renameat2", "linkat":
		return text(tid, args[3])
	case "symlinkat":
		return text(tid, args[2])
	case "unlinkat", "mkdirat", "fchmodat":
		return text(tid, args[1])
	}
	fd := args[0]
	if name == "copy_file_range" {
		fd = args[2]
	}
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(fd)))
	return path
}

// text reads a path from a thread's memory.
func text(tid int, at uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	var b [unix.PathMax]byte
	n, _ := memory.ReadAt(b[:], int64(at)) // less where the memory ends
	path, _, _ := strings.Cut(string(b[:n]), "\x00")
	return path
}

// callInfo returns the number and the arguments of the call that a thread is
// entering.
func callInfo(tid int) (number uint64, args [6]uint64, err error) {
	const getSyscallInfo, opEntry = 0x420e, 1 // of linux/ptrace.h, which x/sys does not have
	var info [88]byte
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), uintptr(len(info)), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return 0, args, errno
	}
	if info[0] != opEntry {
		return 0, args, fmt.Errorf("thread %d is not at a call's entry: op %d", tid, info[0])
	}
	const entry = 24 // after op, arch, instruction and stack pointer
	for i := range args {
		args[i] = binary.NativeEndian.Uint64(info[entry+8*(i+1):])
	}
	return binary.NativeEndian.Uint64(info[entry:]), args, nil
}
