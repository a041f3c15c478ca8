package sqlite

import (
	"os"
	"syscall"
)

// syncData brings what was written to a file onto the disk, but not when that was.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
