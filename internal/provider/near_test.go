package provider_test

import (
	"net/netip"
	"testing"

	"tollgate/internal/provider"
)

func TestNear(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "0.1.2.3": true, "::": true, "255.255.255.255": true,
		"169.254.169.254": true, "fe80::1": true, "fe80::1%eth0": true, "224.0.0.1": true, "ff02::1": true,
		"fd00:ec2::254": true, "100.100.100.200": true, "168.63.129.16": true, "192.0.0.192": true,
		"10.0.0.1": false, "192.168.1.1": false, "172.16.0.1": false, "198.18.0.1": false, "203.0.113.1": false, "fd00::1": false, "2001:db8::1": false, "100.100.100.201": false,
	} {
		if got := provider.Near(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	if !provider.Near(netip.Addr{}) {
		t.Error("no address at all")
	}
}
