//go:build unix

package lean

import "syscall"

// deathPeeker looks into a socket without waiting and without taking anything
// out, so that no goroutine has to sit on each idle connection.
type deathPeeker struct {
	sock  syscall.RawConn
	look  func(fd uintptr) bool // peek, made once
	one   [1]byte
	quiet bool // result of look
}

func newDeathPeeker(s syscall.Conn) *deathPeeker {
	sock, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	p := &deathPeeker{sock: sock}
	p.look = p.peek
	return p
}

// silent tells whether the socket is open and has nothing to read.
func (p *deathPeeker) silent() bool {
	p.quiet = false
	err := p.sock.Read(p.look)
	return err == nil && p.quiet
}

func (p *deathPeeker) peek(fd uintptr) bool {
	_, _, err := syscall.Recvfrom(int(fd), p.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	p.quiet = err == syscall.EAGAIN
	return true
}
