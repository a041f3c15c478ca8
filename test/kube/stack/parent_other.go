//go:build !linux

package stack

import "syscall"

// WithParent would make a child process end with this one; only Linux can.
func WithParent() *syscall.SysProcAttr { return nil }
