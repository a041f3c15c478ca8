package node

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"sync"
)

// Addresses hands out IP addresses that lead to this machine.
type Addresses struct {
	mu   sync.Mutex
	next netip.Addr
	in   netip.Prefix
}

// NewAddresses gives the addresses of a network, all but its first.
func NewAddresses(in netip.Prefix) *Addresses {
	return &Addresses{in: in, next: in.Masked().Addr()}
}

// Loopback gives a few hundred addresses of the loopback network that other processes are
// unlikely to use. EndpointSlices refuse such addresses, so that no Service leads anywhere.
func Loopback() *Addresses {
	third, second := byte(rand.IntN(200)+20), byte(rand.IntN(200)+20)
	return NewAddresses(netip.PrefixFrom(netip.AddrFrom4([4]byte{127, second, third, 0}), 24))
}

// Take gives an address that nobody has had before.
func (a *Addresses) Take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = a.next.Next()
	if !a.in.Contains(a.next) {
		return netip.Addr{}, errors.New("no address is left for a pod in " + a.in.String())
	}
	return a.next, nil
}
