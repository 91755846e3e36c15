package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// setNumber makes a thread that enters a system call enter another; −1 is none.
func setNumber(tid, number int) error {
	const systemCall = 0x404 // NT_ARM_SYSTEM_CALL
	n := int32(number)
	part := unix.Iovec{Base: (*byte)(unsafe.Pointer(&n)), Len: 4}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SETREGSET, uintptr(tid), systemCall, uintptr(unsafe.Pointer(&part)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// setThird changes the third argument of the call that a thread enters.
func setThird(tid int, value uint64) error {
	return change(tid, func(r *unix.PtraceRegsArm64) { r.Regs[2] = value })
}

// setResult makes the call that a thread leaves fail.
func setResult(tid int, errno unix.Errno) error {
	return change(tid, func(r *unix.PtraceRegsArm64) { r.Regs[0] = -uint64(errno) })
}

func change(tid int, f func(*unix.PtraceRegsArm64)) error {
	const general = 1 // NT_PRSTATUS
	var r unix.PtraceRegsArm64
	if err := unix.PtraceGetRegSetArm64(tid, general, &r); err != nil {
		return err
	}
	f(&r)
	return unix.PtraceSetRegSetArm64(tid, general, &r)
}
