//go:build !nokube

package kube_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/kube"
)

func TestOneReplicaWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		one := s.start(kube.Options{Identity: "one"}, (&verdict{}).compile)
		one.settle(time.Second)
		two := s.start(kube.Options{Identity: "two"}, (&verdict{}).compile)
		two.settle(time.Minute)
		if !one.Leading() || two.Leading() {
			t.Fatalf("leading: %v and %v", one.Leading(), two.Leading())
		}
		if w := s.written(); len(w) != 4 {
			t.Errorf("writes of two replicas: %v, want one for each object", w)
		}

		one.stop() // gives the lease back
		s.apply(strings.ReplaceAll(page, "gpt-4o", "gpt-5"))
		two.settle(5 * time.Second)
		if one.Leading() || !two.Leading() {
			t.Fatalf("after the leader ended: %v and %v", one.Leading(), two.Leading())
		}
		if len(s.written()) == 0 {
			t.Error("the new leader wrote no status of the new generation")
		}
	})
}

func TestWhoLosesTheLeaseStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		r := s.start(kube.Options{}, (&verdict{}).compile)
		r.settle(3 * time.Second)
		s.deny("update leases", "get leases")
		r.settle(15 * time.Second)
		if r.Leading() {
			t.Error("leads without a lease")
		}
		s.written()
		s.apply(strings.ReplaceAll(page, "gpt-4o", "gpt-5"))
		r.settle(10 * time.Second)
		if w := s.written(); len(w) > 0 {
			t.Errorf("written without a lease: %v", w)
		}
		if n := strings.Count(r.log.String(), "forbids to hold the lease"); n != 1 {
			t.Errorf("said %d times that the lease is forbidden:\n%s", n, r.log)
		}
		s.allow()
		r.settle(20 * time.Second)
		if !r.Leading() || len(s.written()) == 0 {
			t.Error("does not lead again, or wrote nothing of what changed meanwhile")
		}
	})
}

func TestWhereTheLeaseIs(t *testing.T) {
	for _, c := range []struct {
		o    kube.Options
		pod  string
		want string
	}{
		{kube.Options{}, "", "default/tollgate"},
		{kube.Options{Class: "agentgateway"}, "", "default/tollgate-class-agentgateway"},
		{kube.Options{Class: "agentgateway"}, "system", "system/tollgate-class-agentgateway"},
		{kube.Options{Gateway: "a/b", Class: "agentgateway"}, "system", "a/tollgate-gateway-b"},
		{kube.Options{Gateway: "a/b", LeaseNamespace: "c"}, "", "c/tollgate-gateway-b"},
	} {
		t.Setenv("POD_NAMESPACE", c.pod)
		cluster, err := kube.ConnectTo(c.o, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, "lease", cluster.Lease(), c.want)
	}
	for _, bad := range []string{"a", "a/", "/b", "a/b/c"} {
		if _, err := kube.ConnectTo(kube.Options{Gateway: bad}, nil, nil, nil); err == nil || !strings.Contains(err.Error(), "NAMESPACE/NAME") {
			t.Errorf("a Gateway named %q: %v", bad, err)
		}
	}
}
