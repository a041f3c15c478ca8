package cli

import (
	"fmt"
	"io"
	"time"
)

// progress shows on a terminal how far long work is. Without one it is silent.
type progress struct {
	to    io.Writer // nil: nobody looks
	verb  string
	total int64 // of bytes; 0: not known
	now   func() time.Time
	sent  int64
	shown time.Time // when it was shown last
	begun time.Time
}

const (
	showAfter = time.Second            // what takes less needs no progress
	showEvery = 200 * time.Millisecond // is often enough
)

func newProgress(env *Environment, verb string, total int64) *progress {
	p := &progress{verb: verb, total: total, now: env.now, begun: env.now()}
	if env.terminal(env.Stderr) {
		p.to = env.Stderr
	}
	return p
}

// reader counts what is read.
func (p *progress) reader(from io.Reader) io.Reader { return &counted{from, p} }

// Write counts what is written.
func (p *progress) Write(b []byte) (int, error) {
	p.add(len(b))
	return len(b), nil
}

func (p *progress) add(n int) {
	p.sent += int64(n)
	p.show(func() string { return p.verb + " " + size(p.sent) + share(p.sent, p.total, size) })
}

// lines tells how many lines are done, of how many if that is known (0: it is not).
func (p *progress) lines(verb string, done, total int) {
	p.show(func() string { return verb + " " + some(int64(done), "line") + share(int64(done), int64(total), count) })
}

// show replaces what was shown, if that was not a moment ago.
func (p *progress) show(text func() string) {
	if now := p.now(); p.to != nil && now.Sub(p.begun) >= showAfter && now.Sub(p.shown) >= showEvery {
		p.shown = now
		fmt.Fprint(p.to, "\r\x1b[K"+text())
	}
}

// share writes which part of a total something is, nothing if the total is not known.
func share(n, total int64, write func(int64) string) string {
	if total <= 0 {
		return ""
	}
	return fmt.Sprintf(" of %s (%d%%)", write(total), min(100, int64(float64(n)*100/float64(total))))
}

// end clears the line.
func (p *progress) end() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

type counted struct {
	io.Reader
	p *progress
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.add(n)
	return n, err
}

// size writes a number of bytes.
func size(n int64) string {
	unit, value := "bytes", float64(n)
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		unit, value = next, value/1000
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
