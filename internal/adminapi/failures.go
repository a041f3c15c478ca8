package adminapi

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresAtOnce is how many requests without a valid token an address may
	// send before it is asked to wait.
	failuresAtOnce = 20
	// refusalsAtOnce is how many requests that its role does not allow a token may
	// send before it is asked to wait. Each is put on record.
	refusalsAtOnce = 100
	// failureEvery is how often one may be sent from then on.
	failureEvery = time.Second
	// testsAtOnce is how many credentials a token may test in a row, testEvery how often
	// one from then on: each test calls somebody else.
	testsAtOnce = 5
	testEvery   = 20 * time.Second
	// failuresKept bounds the addresses and tokens that are remembered.
	failuresKept = 10_000
)

// failures slows down whoever guesses admin tokens. It counts by address, for IPv6
// by network.
type failures struct{ *allowance[netip.Prefix] }

func newFailures(now func() time.Time) failures {
	return failures{newAllowance[netip.Prefix](now, failuresAtOnce, failureEvery)}
}

// wait tells how long an address has to wait before its next try; 0: not at all.
func (f failures) wait(from netip.Addr) time.Duration {
	network, ok := network(from)
	if !ok {
		return 0
	}
	return f.allowance.wait(network)
}

// add counts a failure.
func (f failures) add(from netip.Addr) {
	if network, ok := network(from); ok {
		f.allowance.add(network)
	}
}

// network is what an address is counted under. Who comes over a Unix socket has
// no address: the rights of the file decide there.
func network(from netip.Addr) (netip.Prefix, bool) {
	if !from.IsValid() {
		return netip.Prefix{}, false
	}
	bits := 32
	if from.Is6() {
		bits = 64
	}
	p, err := from.Prefix(bits)
	return p, err == nil
}

// allowance bounds how often each of many may do what it should not, or not often. It is safe for
// concurrent use; the zero time of one is that it never did.
type allowance[K comparable] struct {
	now    func() time.Time
	atOnce int           // times, before one has to wait
	every  time.Duration // how often from then on

	mu   sync.Mutex
	paid map[K]time.Time // until when what it did so far uses up what it may do
}

func newAllowance[K comparable](now func() time.Time, atOnce int, every time.Duration) *allowance[K] {
	return &allowance[K]{now: now, atOnce: atOnce, every: every, paid: map[K]time.Time{}}
}

// wait tells how long one has to wait until it may again; 0: not at all.
func (a *allowance[K]) wait(who K) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	until, known := a.paid[who]
	if !known {
		return 0
	}
	return max(0, until.Sub(a.now())-time.Duration(a.atOnce-1)*a.every)
}

// add counts one time.
func (a *allowance[K]) add(who K) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	until, known := a.paid[who]
	if !known && len(a.paid) >= failuresKept {
		a.forget(now)
	}
	if until.Before(now) {
		until = now
	}
	a.paid[who] = until.Add(a.every)
}

// forget makes room: those that may do all they want again are forgotten, and if
// that is not enough, some of the others. A tenth is free then, so that it is not done
// again at once.
func (a *allowance[K]) forget(now time.Time) {
	for who, until := range a.paid {
		if !until.After(now) {
			delete(a.paid, who)
		}
	}
	for who := range a.paid {
		if len(a.paid) < failuresKept*9/10 {
			return
		}
		delete(a.paid, who)
	}
}
