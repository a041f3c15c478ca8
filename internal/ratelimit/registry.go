package ratelimit

import (
	"crypto/sha256"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxKeys is how many values of its key a rule remembers. The one that was
// used longest ago is forgotten first, and begins full if it comes back.
const maxKeys = 65_536

// longKey is the length in bytes from which a value is remembered by its
// digest: callers choose the values, and must not choose how much memory they need.
const longKey = 64

// Registry keeps the limiters in use. It is safe for concurrent use.
type Registry struct {
	began   time.Time
	buckets atomic.Uint64 // made so far
	mu      sync.Mutex
	live    map[identity]*Limiter
}

// NewRegistry makes an empty registry. All instants given to it and to what
// comes from it must be of the same clock as now.
func NewRegistry(now time.Time) *Registry {
	return &Registry{began: now, live: make(map[identity]*Limiter)}
}

// since gives an instant as a bucket knows it.
func (r *Registry) since(now time.Time) time.Duration { return now.Sub(r.began) }

// Limiter is a rule with its live buckets. The limiters of an unchanged rule
// are one and the same before and after a reload.
type Limiter struct {
	registry *Registry
	rule     atomic.Pointer[Rule]
	shared   *Bucket // for every request, or for those without a value of the key
	keyed    *recent // nil without a key
}

func newLimiter(r *Registry, rule *Rule, now time.Duration) *Limiter {
	l := &Limiter{registry: r, shared: r.newBucket(rule, now)}
	l.rule.Store(rule)
	if rule.Keyed {
		l.keyed = newRecent(maxKeys)
	}
	return l
}

// Rule gives the rule in force; it must not be changed.
func (l *Limiter) Rule() *Rule { return l.rule.Load() }

// Bucket gives the bucket for a value of the rule's key. Without a key, and
// for the empty value, it is the one that all such requests share.
func (l *Limiter) Bucket(key string, now time.Time) *Bucket {
	if l.keyed == nil || key == "" {
		return l.shared
	}
	if len(key) > longKey {
		digest := sha256.Sum256([]byte(key))
		key = string(digest[:])
	}
	return l.keyed.get(key, func() *Bucket { return l.registry.newBucket(l.rule.Load(), l.registry.since(now)) })
}

// change puts other amounts in force.
func (l *Limiter) change(rule *Rule, now time.Duration) {
	if *l.rule.Load() == *rule {
		return
	}
	l.rule.Store(rule)
	l.shared.change(rule, now)
	if l.keyed != nil {
		l.keyed.each(func(b *Bucket) { b.change(rule, now) })
	}
}

// Adoption is a set of rules on its way into force. Until Commit nothing that
// is live has changed, and an Adoption that is never committed leaves no trace.
type Adoption struct {
	registry *Registry
	rules    map[identity]*Rule
	limiters map[identity]*Limiter
}

// Adopt prepares the rules of a configuration: rules that are already live
// keep their limiter, others get a new one, whose buckets are full. Of two
// rules that are the same one the later counts. Adoptions are made and
// committed one after the other.
func (r *Registry) Adopt(rules []Rule, now time.Time) *Adoption {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &Adoption{registry: r, rules: make(map[identity]*Rule), limiters: make(map[identity]*Limiter)}
	for i := range rules {
		rule := rules[i]
		id := rule.identity()
		l := r.live[id]
		if l == nil {
			l = newLimiter(r, &rule, r.since(now))
		}
		a.rules[id], a.limiters[id] = &rule, l
	}
	return a
}

// Limiter gives the limiter of an adopted rule, nil if it was not among them.
func (a *Adoption) Limiter(rule *Rule) *Limiter { return a.limiters[rule.identity()] }

// Commit puts the rules in force: changed amounts apply, rules that are not
// among them are forgotten. Requests that were admitted under a forgotten rule
// settle with its buckets for themselves.
func (a *Adoption) Commit(now time.Time) {
	r := a.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = a.limiters
	for id, l := range a.limiters {
		l.change(a.rules[id], r.since(now))
	}
}

// recent holds buckets by key and forgets the one that was used longest ago.
type recent struct {
	mu      sync.Mutex
	room    int
	buckets map[string]*node
	ring    node // next is the latest, previous the oldest
}

type node struct {
	key            string
	bucket         *Bucket
	next, previous *node
}

func newRecent(room int) *recent {
	r := &recent{room: room, buckets: make(map[string]*node)}
	r.ring.next, r.ring.previous = &r.ring, &r.ring
	return r
}

func (r *recent) get(key string, create func() *Bucket) *Bucket {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.buckets[key]
	if n == nil {
		if len(r.buckets) >= r.room {
			oldest := r.ring.previous
			oldest.unlink()
			delete(r.buckets, oldest.key)
		}
		n = &node{key: strings.Clone(key), bucket: create()} // key may be part of a request's buffer
		r.buckets[n.key] = n
	} else if r.ring.next == n {
		return n.bucket
	} else {
		n.unlink()
	}
	n.previous, n.next = &r.ring, r.ring.next
	n.previous.next, n.next.previous = n, n
	return n.bucket
}

func (n *node) unlink() { n.previous.next, n.next.previous = n.next, n.previous }

func (r *recent) each(do func(*Bucket)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.buckets {
		do(n.bucket)
	}
}
