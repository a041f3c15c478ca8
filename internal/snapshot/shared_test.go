package snapshot_test

import (
	"testing"

	"tollgate/internal/config"
	"tollgate/internal/snapshot"
)

// TestGatewaysShareAPort compiles two gateways at one address, which Kubernetes has and a
// file cannot have: each host is served by the listener of the gateway that has it.
func TestGatewaysShareAPort(t *testing.T) {
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(`
gateways:
  one: {port: 3000, listeners: [{name: http}]}
  two: {port: 3001, listeners: [{name: http, hostname: "*.example.com"}]}
routes:
- {name: all, gateways: one, policies: {directResponse: {status: 201}}}
- {name: some, gateways: two, policies: {directResponse: {status: 202}}}
`)}, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
	c.Gateways[1].Value.Port = 3000
	out := snapshot.Compile(c, report, newProcess().parts)
	if out == nil {
		t.Fatal(report.Err())
	}
	if n := len(out.Snapshot.Binds); n != 1 {
		t.Fatalf("%d binds", n)
	}
	for host, want := range map[string]int{"a.example.com": 202, "example.com": 201} {
		r := route(t, out, "[::]:3000", host, "/")
		if r.Direct.Status != want {
			t.Errorf("%s gets %d", host, r.Direct.Status)
		}
	}
	if r := route(t, out, "[::]:3000", "a.example.com", "/"); r.Place.Gateway != "two" {
		t.Errorf("the gateway is %s", r.Place.Gateway)
	}
}
