package main

import "golang.org/x/sys/unix"

// setNumber makes a thread that enters a system call enter another; −1 is none.
func setNumber(tid, number int) error {
	return change(tid, func(r *unix.PtraceRegsAmd64) { r.Orig_rax = uint64(number) })
}

// setThird changes the third argument of the call that a thread enters.
func setThird(tid int, value uint64) error {
	return change(tid, func(r *unix.PtraceRegsAmd64) { r.Rdx = value })
}

// setResult makes the call that a thread leaves fail.
func setResult(tid int, errno unix.Errno) error {
	return change(tid, func(r *unix.PtraceRegsAmd64) { r.Rax = -uint64(errno) })
}

func change(tid int, f func(*unix.PtraceRegsAmd64)) error {
	var r unix.PtraceRegsAmd64
	if err := unix.PtraceGetRegsAmd64(tid, &r); err != nil {
		return err
	}
	f(&r)
	return unix.PtraceSetRegsAmd64(tid, &r)
}
