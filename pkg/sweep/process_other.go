//go:build unix && !linux

package sweep

import "syscall"

// ownGroup starts a process apart from its parent's group, so that a terminal's
// Ctrl-C reaches it once, through the parent. It outlives a parent that is
// killed, which only Linux can prevent, and finishes its run.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
