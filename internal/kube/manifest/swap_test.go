package manifest_test

import (
	"strings"
	"testing"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/snapshot"
)

// process compiles one configuration after the other as a process does, which keeps what
// was counted and found out.
type process struct {
	t      *testing.T
	limits *ratelimit.Registry
	health *routing.Registry
}

func newProcess(t *testing.T) *process {
	return &process{t, ratelimit.NewRegistry(time.Unix(0, 0)), routing.NewRegistry()}
}

// routes gives the routes of objects by "listener's gateway route" once they are in force.
func (p *process) routes(o *manifest.Objects) map[string]*gateway.Route {
	p.t.Helper()
	at := time.Unix(0, 0)
	report := &config.Report{}
	c := snapshot.Compile(manifest.Compile(defaults(p.t), o, settingsOf(p.t, "")).Config, report, snapshot.Parts{
		Limits: p.limits, Health: p.health, Now: func() time.Time { return at }, Started: at,
	})
	if c == nil {
		p.t.Fatal(report.Err())
	}
	c.Limits.Commit(at)
	p.health.Keep(c.Targets)
	out := map[string]*gateway.Route{}
	for _, b := range c.Snapshot.Binds {
		for _, l := range b.Listeners {
			for _, name := range []string{"a", "b"} {
				if r, _, ok := l.Routes.Find(parse(p.t, "GET 80 second.example /"+name)); ok {
					out[r.Place.Gateway+" "+name] = r
				}
			}
		}
	}
	return out
}

const limitedRoute = `
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: p, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: KIND, name: TARGET}]
  traffic: {rateLimit: {local: [{requests: 5, unit: Minutes}]}}
`

// A route or key more resets nothing of what was there: limits go on counting, and a
// provider that rests goes on resting.
func TestWhatChangesKeepsTheRest(t *testing.T) {
	o, p := stage(t), newProcess(t)
	read(t, o, ruleObject("a => Service/v1 Service/v2")+strings.NewReplacer("KIND", "HTTPRoute", "TARGET", "a").Replace(limitedRoute))
	before := p.routes(o)["infra/gw a"]
	read(t, o, ruleObject("b => Service/v1")) // of the same age, and read after it
	o.Routes[len(o.Routes)-1].CreationTimestamp.Time = time.Unix(1, 0)
	o.Routes[0].CreationTimestamp.Time = time.Unix(2, 0) // the new one comes first
	after := p.routes(o)
	a := after["infra/gw a"]
	if after["infra/gw b"] == nil || a == before || a.Limits[0].Limiter != before.Limits[0].Limiter {
		t.Error("the limit begins anew")
	}
	for i := range a.Backends {
		if a.Backends[i].Groups[0][0].Target.Health != before.Backends[i].Groups[0][0].Target.Health {
			t.Error("what is known of a server is forgotten")
		}
	}
}

// A rate limit counts for its target. A route on two Gateways has one; two Gateways that a
// policy is about have one each, whatever their listeners are called.
func TestALimitCountsForItsTarget(t *testing.T) {
	for _, tt := range []struct {
		kind, target string
		shared       bool
	}{{"HTTPRoute", "a", true}, {"Gateway", "gw", false}} {
		o, p := stage(t), newProcess(t)
		read(t, o, strings.NewReplacer("KIND", tt.kind, "TARGET", tt.target).Replace(limitedRoute)+"---\n"+ruleObject("a => Service/v1"))
		second := o.Gateways[0].DeepCopy()
		second.Name = "second"
		second.Spec.Listeners[0].Hostname = new(gatewayv1.Hostname("second.example")) // of the same port and name
		o.Gateways = append(o.Gateways, second)
		ref := o.Routes[0].Spec.ParentRefs[0]
		ref.Name = "second"
		o.Routes[0].Spec.ParentRefs = append(o.Routes[0].Spec.ParentRefs, ref)
		if tt.kind == "Gateway" {
			target := o.Policies[0].Spec.TargetRefs[0]
			target.Name = "second"
			o.Policies[0].Spec.TargetRefs = append(o.Policies[0].Spec.TargetRefs, target)
		}
		routes := p.routes(o)
		a, b := routes["infra/gw a"], routes["infra/second a"]
		if a == nil || b == nil {
			t.Fatalf("routes %v", routes)
		}
		if shared := a.Limits[0].Limiter == b.Limits[0].Limiter; shared != tt.shared {
			t.Errorf("%s: one bucket for both Gateways: %t", tt.kind, shared)
		}
	}
}
