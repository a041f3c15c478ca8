package stack

import "syscall"

// WithParent makes a child process end with this one.
func WithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
