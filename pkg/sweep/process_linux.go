package sweep

import "syscall"

// ownGroup starts a process apart from its parent's group, so that a terminal's
// Ctrl-C reaches it once, through the parent. It dies with its parent, at once
// even where the parent was killed: whole epochs are what a record keeps, however
// its process ends, and a sweep that goes on finds nobody in its way.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
