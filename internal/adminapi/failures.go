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
	// failureEvery is how often it may send one from then on.
	failureEvery = time.Second
	// failuresKept bounds the addresses that are remembered.
	failuresKept = 10_000
)

// failures slows down whoever guesses admin tokens. It counts by address, for IPv6
// by network. It is safe for concurrent use; the zero time of an address is that
// it never failed.
type failures struct {
	mu   sync.Mutex
	now  func() time.Time
	paid map[netip.Prefix]time.Time // until when the failures so far use up what an address may send
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, paid: map[netip.Prefix]time.Time{}}
}

// wait tells how long an address has to wait before its next try; 0: not at all.
func (f *failures) wait(from netip.Addr) time.Duration {
	network, ok := network(from)
	if !ok {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	until, failed := f.paid[network]
	if !failed {
		return 0
	}
	return max(0, until.Sub(f.now())-(failuresAtOnce-1)*failureEvery)
}

// add counts a failure.
func (f *failures) add(from netip.Addr) {
	network, ok := network(from)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if len(f.paid) >= failuresKept {
		f.forget(now)
	}
	until := f.paid[network]
	if until.Before(now) {
		until = now
	}
	f.paid[network] = until.Add(failureEvery)
}

// forget makes room: addresses that may send all they want again are forgotten,
// and if there are none, any.
func (f *failures) forget(now time.Time) {
	for network, until := range f.paid {
		if !until.After(now) {
			delete(f.paid, network)
		}
	}
	for network := range f.paid {
		if len(f.paid) < failuresKept {
			return
		}
		delete(f.paid, network)
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
