//go:build !linux

package sqlite

import "os"

// syncData brings what was written to a file onto the disk.
func syncData(f *os.File) error { return f.Sync() }
