//go:build !unix

package lean

import "syscall"

// deathPeeker is not to be had on this system: a dead connection is found when
// it is used.
type deathPeeker struct{}

func newDeathPeeker(syscall.Conn) *deathPeeker { return nil }

func (*deathPeeker) silent() bool { return true }
