package provider

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// answering are addresses at which clouds answer whoever asks from one of their machines,
// partly with credentials of that machine, beside those that belong to the link.
var answering = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"), netip.MustParseAddr("fd00:ec2::254"),
}

// Near tells whether an address is this machine, or its link, or a service of a cloud for this
// machine alone: nothing that somebody else should be able to have requests sent to.
func Near(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsLoopback() || a.IsUnspecified() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return true
	}
	for _, known := range answering {
		if a == known {
			return true
		}
	}
	return a.Is4() && (a.As4()[0] == 0 || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
}

// Dialer opens connections to the endpoint, to which addresses its name leads at that moment.
func (e *Endpoint) Dialer() *net.Dialer {
	d := &net.Dialer{}
	if e.Remote {
		d.Control = remote
	}
	return d
}

// remote refuses addresses that are near.
func remote(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || Near(to.Addr()) {
		return fmt.Errorf("%s is this machine or its link, which this backend may not name", address)
	}
	return nil
}
