package sqlite

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock makes sure that one process at a time has a database: two would each know only
// what they have reserved themselves. The lock ends with the process, however that ends.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if err != syscall.EWOULDBLOCK {
			return nil, fmt.Errorf("lock the data directory with %s: %w", path, err)
		}
		who, _ := io.ReadAll(io.LimitReader(f, 20))
		return nil, fmt.Errorf("the data directory %s is in use by another tollgate (pid %s): stop it, or use another directory",
			filepath.Dir(path), strings.TrimSpace(string(who)))
	}
	pid := fmt.Sprintln(os.Getpid())
	if _, err = f.WriteAt([]byte(pid), 0); err == nil {
		err = f.Truncate(int64(len(pid)))
	}
	// On a full disk the number cannot be written; the lock holds all the same.
	if err != nil {
		_ = f.Truncate(0)
	}
	return f, nil
}
