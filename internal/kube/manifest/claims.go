package manifest

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"

	"tollgate/internal/config"
)

// modelsPort is where the models of a configuration file are served that name no gateway.
const modelsPort = 4000

// claims gives the ports that a configuration takes for itself, of those at an IP address
// ("" for all), with what takes each.
func claims(c *config.Config, bind string) map[int]string {
	out := map[int]string{}
	claim := func(host string, port int, by string) {
		if port > 0 && out[port] == "" && meet(host, bind) {
			out[port] = by
		}
	}
	for i := range c.Gateways {
		g := &c.Gateways[i]
		claim(g.Value.BindAddress, g.Value.Port, "gateways."+g.Name+" of the configuration file")
	}
	for i := range c.Binds {
		claim("", c.Binds[i].Port, "binds of the configuration file")
	}
	if c.LLM != nil && len(c.LLM.Gateways) == 0 {
		claim("", cmp.Or(c.LLM.Port, modelsPort), "llm of the configuration file")
	}
	p := &c.Process
	for _, a := range []struct {
		address config.Address
		by      string
	}{{p.AdminAddr, "the admin listener"}, {p.StatsAddr, "the listener for metrics"}, {p.ReadinessAddr, "the listener for readiness"}} {
		host, port, err := net.SplitHostPort(a.address.Value)
		if err != nil || a.address.Unix() != "" {
			continue
		}
		if number, err := strconv.Atoi(port); err == nil {
			claim(host, number, a.by)
		}
	}
	return out
}

// meet tells whether listening on two hosts may get in each other's way.
func meet(a, b string) bool {
	x, y := addressOf(a), addressOf(b)
	return !x.IsValid() || !y.IsValid() || x.IsUnspecified() || y.IsUnspecified() || x == y
}

// addressOf gives the IP address of a host, the zero one for all or for what is not known.
func addressOf(host string) netip.Addr {
	if host == "localhost" {
		host = "127.0.0.1"
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}
