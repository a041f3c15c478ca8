package lean

import (
	"cmp"
	"sync"
	"time"

	"tollgate/internal/provider"
)

// pool keeps idle connections by endpoint. The one used last is taken first, so
// that the others grow old and go. A dead one is found when it is taken; the
// old are closed then too, or by a timer that runs while there are any.
type pool struct {
	mu     sync.Mutex
	stacks map[string]*stack // by Endpoint.Key
	closed bool
	timer  *time.Timer
	armed  bool // timer will fire
}

// stack is the idle connections to one endpoint, the oldest first.
type stack struct {
	conns   []*conn
	timeout time.Duration
}

// take gives a connection that was alive a moment ago, or nil.
func (p *pool) take(key string) *conn {
	for {
		c := p.pop(key)
		if c == nil || c.alive() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop(key string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stacks[key]
	if s == nil || len(s.conns) == 0 {
		return nil
	}
	last := len(s.conns) - 1
	c := s.conns[last]
	if time.Since(c.idleSince) >= s.timeout {
		return nil // and so are all below it: the timer closes them
	}
	s.conns[last] = nil
	s.conns = s.conns[:last]
	return c
}

// put keeps c for the next request, or closes it if there are enough.
func (p *pool) put(c *conn) {
	c.used = true
	c.shrink()
	c.idleSince = time.Now()
	if !p.push(c) {
		c.close()
	}
}

func (p *pool) push(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	s := p.stacks[c.endpoint.Key]
	if s == nil {
		s = &stack{timeout: cmp.Or(c.endpoint.IdleTimeout, provider.DefaultIdleTimeout)}
		if p.stacks == nil {
			p.stacks = make(map[string]*stack)
		}
		p.stacks[c.endpoint.Key] = s
	}
	if len(s.conns) >= cmp.Or(c.endpoint.MaxIdle, provider.DefaultMaxIdle) {
		return false
	}
	s.conns = append(s.conns, c)
	if !p.armed {
		p.arm(s.timeout)
	}
	return true
}

// arm starts the timer; mu is held.
func (p *pool) arm(d time.Duration) {
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.sweep)
		return
	}
	p.timer.Reset(d)
}

// sweep closes what has been idle for too long and sets the timer for the next.
func (p *pool) sweep() {
	now := time.Now()
	var old []*conn
	var next time.Duration // until the next connection is too old; 0: there is none
	p.mu.Lock()
	for key, s := range p.stacks {
		n := 0
		for n < len(s.conns) && now.Sub(s.conns[n].idleSince) >= s.timeout {
			n++
		}
		old = append(old, s.conns[:n]...)
		if n == len(s.conns) {
			delete(p.stacks, key)
			continue
		}
		s.conns = append(make([]*conn, 0, len(s.conns)-n), s.conns[n:]...)
		if left := s.timeout - now.Sub(s.conns[0].idleSince); next == 0 || left < next {
			next = left
		}
	}
	p.armed = false
	if next > 0 {
		p.arm(next)
	}
	p.mu.Unlock()
	closeAll(old)
}

// clear closes every connection.
func (p *pool) clear() {
	p.mu.Lock()
	var all []*conn
	for _, s := range p.stacks {
		all = append(all, s.conns...)
	}
	p.stacks = nil
	if p.timer != nil {
		p.timer.Stop()
	}
	p.armed = false
	p.mu.Unlock()
	closeAll(all)
}

// close is clear for good: nothing is kept from now on.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.clear()
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.close()
	}
}
