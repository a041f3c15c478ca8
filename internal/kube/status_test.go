//go:build !nokube

package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/kube"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
)

const pageNamespace = "kgateway-system"

// verdict is what the tests' compiler says of all objects; a field changes what it says.
type verdict struct {
	route metav1.ConditionStatus
	leave bool // the route has left our Gateway
}

func yes(of string, o metav1.Object) metav1.Condition {
	return metav1.Condition{Type: of, Status: metav1.ConditionTrue, Reason: of, Message: "", ObservedGeneration: o.GetGeneration()}
}

// compile says yes to everything but what the verdict says otherwise of.
func (v *verdict) compile(o *manifest.Objects) *manifest.Result {
	s := manifest.Statuses{
		Classes: map[string]gatewayv1.GatewayClassStatus{}, Gateways: map[types.NamespacedName]gatewayv1.GatewayStatus{},
		Routes: map[types.NamespacedName][]gatewayv1.RouteParentStatus{}, TLSPolicies: map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus{},
		Backends: map[types.NamespacedName][]metav1.Condition{}, AIBackends: map[types.NamespacedName][]metav1.Condition{},
		Policies: map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus{}, VirtualKeys: map[types.NamespacedName]resource.VirtualKeyStatus{},
	}
	name := func(o metav1.Object) types.NamespacedName {
		return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
	}
	for _, c := range o.Classes {
		s.Classes[c.Name] = gatewayv1.GatewayClassStatus{
			Conditions: []metav1.Condition{yes("Accepted", c)}, SupportedFeatures: []gatewayv1.SupportedFeature{{Name: "Gateway"}},
		}
	}
	for _, g := range o.Gateways {
		s.Gateways[name(g)] = gatewayv1.GatewayStatus{
			Addresses:  []gatewayv1.GatewayStatusAddress{{Type: new(gatewayv1.HostnameAddressType), Value: "gw"}},
			Conditions: []metav1.Condition{yes("Accepted", g), yes("Programmed", g)},
			Listeners: []gatewayv1.ListenerStatus{{
				Name: "http", AttachedRoutes: 1, SupportedKinds: []gatewayv1.RouteGroupKind{{Kind: "HTTPRoute"}}, Conditions: []metav1.Condition{yes("Accepted", g)},
			}},
		}
	}
	for _, r := range o.Routes {
		if v.leave {
			break
		}
		accepted := yes("Accepted", r)
		if v.route != "" {
			accepted.Status, accepted.Reason = v.route, "NotAllowedByListeners"
		}
		s.Routes[name(r)] = []gatewayv1.RouteParentStatus{{ParentRef: r.Spec.ParentRefs[0], ControllerName: kube.Controller, Conditions: []metav1.Condition{accepted}}}
	}
	for _, b := range o.Backends {
		s.Backends[name(b)] = []metav1.Condition{yes("Accepted", b)}
	}
	for _, k := range o.VirtualKeys {
		s.VirtualKeys[name(k)] = resource.VirtualKeyStatus{KeyID: "key_" + strings.Repeat("a", 12), SecretName: k.Name, Conditions: []metav1.Condition{yes("Accepted", k)}}
	}
	return &manifest.Result{Statuses: s}
}

// conditions gives conditions as a text: type=status@time, for those of one list.
func conditions(list any) string {
	var out []string
	items, _ := list.([]any)
	for _, i := range items {
		c := i.(map[string]any)
		since, _ := c["lastTransitionTime"].(string)
		out = append(out, fmt.Sprintf("%v=%v@%s/%v", c["type"], c["status"], strings.TrimPrefix(since, "2000-01-01T"), c["observedGeneration"]))
	}
	return strings.Join(out, " ")
}

func status(u *unstructured.Unstructured, path ...string) any {
	v, _, _ := unstructured.NestedFieldNoCopy(u.Object, append([]string{"status"}, path...)...)
	return v
}

func parents(u *unstructured.Unstructured) (out []string) {
	all, _ := status(u, "parents").([]any)
	for _, p := range all {
		p := p.(map[string]any)
		out = append(out, fmt.Sprintf("%v: %s", p["controllerName"], conditions(p["conditions"])))
	}
	return out
}

func TestStatusesAreWrittenWhenTheyChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		v := &verdict{}
		r := s.start(kube.Options{}, v.compile)
		r.settle(3 * time.Second)
		if !r.Leading() {
			t.Fatal("nobody leads")
		}
		wantText(t, "writes", strings.Join(s.written(), ", "), "update backends/status kgateway-system/openai, update gatewayclasses/status /agentgateway, "+
			"update gateways/status kgateway-system/agentgateway, update httproutes/status kgateway-system/openai")
		wantText(t, "class", conditions(status(s.get("GatewayClass", "", "agentgateway"), "conditions")), "Accepted=True@00:00:00Z/1")
		g := s.get("Gateway", pageNamespace, "agentgateway")
		wantText(t, "gateway", conditions(status(g, "conditions")), "Accepted=True@00:00:00Z/1 Programmed=True@00:00:00Z/1")
		listener := status(g, "listeners").([]any)[0].(map[string]any)
		wantText(t, "listener", fmt.Sprint(listener["name"], listener["attachedRoutes"], conditions(listener["conditions"])), "http1Accepted=True@00:00:00Z/1")
		wantText(t, "addresses", fmt.Sprint(status(g, "addresses")), "[map[type:Hostname value:gw]]")

		told := r.told
		r.settle(10 * time.Minute)
		if w := s.written(); len(w) > 0 || r.told != told {
			t.Errorf("nothing changed, and %v was written and %d changes told", w, r.told-told)
		}

		// Another generation: observed, but no condition flips.
		s.apply(strings.ReplaceAll(page, "port: 80}", "port: 81}"))
		r.settle(time.Second)
		if w := strings.Join(parents(s.get("HTTPRoute", pageNamespace, "openai")), ","); w != "tollgate.dev/gateway: Accepted=True@00:00:00Z/2" {
			t.Errorf("after another generation: %s", w)
		}
		v.route = metav1.ConditionFalse
		s.apply(strings.ReplaceAll(page, "port: 80}", "port: 82}"))
		r.settle(time.Second)
		w := strings.Join(parents(s.get("HTTPRoute", pageNamespace, "openai")), ",")
		if !strings.HasPrefix(w, "tollgate.dev/gateway: Accepted=False@00:10:0") || !strings.HasSuffix(w, "/3") {
			t.Errorf("after a condition flipped: %s", w)
		}
	})
}

func TestWhatOthersWroteStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		other := `{parentRef: {name: istio}, controllerName: istio.io/gateway, conditions: [{type: Accepted, status: "False", lastTransitionTime: "1999-01-01T00:00:00Z", reason: x, message: ""}]}`
		s.setStatus("HTTPRoute", pageNamespace, "openai", `parents: [`+other+`, {parentRef: {name: gone}, controllerName: tollgate.dev/gateway, conditions: []},
  {parentRef: {name: agentgateway, namespace: kgateway-system}, controllerName: tollgate.dev/gateway, conditions: [{type: Accepted, status: "True", lastTransitionTime: "1999-01-01T00:00:00Z", reason: Old, message: ""}]}]`)
		s.setStatus("Gateway", pageNamespace, "agentgateway", `attachedListenerSets: 1
conditions: [{type: example.com/Special, status: "True", lastTransitionTime: "1999-01-01T00:00:00Z", reason: x, message: ""}, {type: ResolvedRefs, status: "False", lastTransitionTime: "1999-01-01T00:00:00Z", reason: x, message: ""}, {type: Programmed, status: Unknown, lastTransitionTime: "1970-01-01T00:00:00Z", reason: Pending, message: ""}]`)
		v := &verdict{}
		r := s.start(kube.Options{}, v.compile)
		r.settle(3 * time.Second)
		route := s.get("HTTPRoute", pageNamespace, "openai")
		wantText(t, "parents", strings.Join(parents(route), ", "),
			"istio.io/gateway: Accepted=False@1999-01-01T00:00:00Z/<nil>, tollgate.dev/gateway: Accepted=True@1999-01-01T00:00:00Z/1")
		g := s.get("Gateway", pageNamespace, "agentgateway")
		wantText(t, "conditions of the Gateway", conditions(status(g, "conditions")),
			"example.com/Special=True@1999-01-01T00:00:00Z/<nil> Programmed=True@00:00:00Z/1 Accepted=True@00:00:00Z/1")
		wantText(t, "another field", fmt.Sprint(status(g, "attachedListenerSets")), "1")

		// Somebody takes our entry away: it comes back without anything being compiled anew.
		s.written()
		told := r.told
		s.setStatus("HTTPRoute", pageNamespace, "openai", `parents: [`+other+`]`)
		r.settle(time.Second)
		if got := parents(s.get("HTTPRoute", pageNamespace, "openai")); len(got) != 2 || r.told != told {
			t.Errorf("after our entry was taken away: %v (%d changes told)", got, r.told-told)
		}

		v.leave = true
		s.apply(strings.ReplaceAll(page, "port: 80}", "port: 81}"))
		r.settle(time.Second)
		wantText(t, "parents of a route that left", strings.Join(parents(s.get("HTTPRoute", pageNamespace, "openai")), ", "),
			"istio.io/gateway: Accepted=False@1999-01-01T00:00:00Z/<nil>")
	})
}

// TestProgramsForOtherGateways write entries under the same name of controller.
func TestProgramsForOtherGateways(t *testing.T) {
	const entries = `parents: [{parentRef: {name: mine}, controllerName: tollgate.dev/gateway, conditions: []},
  {parentRef: {name: theirs}, controllerName: tollgate.dev/gateway, conditions: []}, {parentRef: {name: foreign}, controllerName: tollgate.dev/gateway, conditions: []}]`
	const gateways = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: one}
spec: {controllerName: tollgate.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: two}
spec: {controllerName: tollgate.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: istio}
spec: {controllerName: istio.io/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: mine, namespace: ns}
spec: {gatewayClassName: one}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: theirs, namespace: ns}
spec: {gatewayClassName: two}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: foreign, namespace: ns}
spec: {gatewayClassName: istio}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: ns}
spec: {parentRefs: [{name: mine}]}`
	for _, c := range []struct {
		name string
		o    kube.Options
		want string
	}{
		{"all classes", kube.Options{}, ""},
		{"one class", kube.Options{Class: "one"}, "theirs"},
		{"one Gateway", kube.Options{Gateway: "ns/mine"}, "theirs foreign"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.apply(gateways)
				s.setStatus("HTTPRoute", "ns", "r", entries)
				r := s.start(c.o, (&verdict{leave: true}).compile)
				r.settle(3 * time.Second)
				var left []string
				for _, p := range status(s.get("HTTPRoute", "ns", "r"), "parents").([]any) {
					left = append(left, p.(map[string]any)["parentRef"].(map[string]any)["name"].(string))
				}
				wantText(t, "entries that stay", strings.Join(left, " "), c.want)
			})
		})
	}
}

// TestEntriesAboutOtherTargets: a program for one Gateway takes away what it can tell to be
// stale of a policy's entries, and no more.
func TestEntriesAboutOtherTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply("apiVersion: agentgateway.dev/v1alpha1\nkind: AgentgatewayPolicy\nmetadata: {name: p, namespace: ns}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: now}]}")
		s.setStatus("AgentgatewayPolicy", "ns", "p", `ancestors: [{ancestorRef: {kind: HTTPRoute, name: now}, controllerName: tollgate.dev/gateway, conditions: []},
  {ancestorRef: {kind: HTTPRoute, name: before}, controllerName: tollgate.dev/gateway, conditions: []}, {ancestorRef: {kind: HTTPRoute, name: before}, controllerName: other.io/c, conditions: []},
  {ancestorRef: {kind: Gateway, name: mine}, controllerName: tollgate.dev/gateway, conditions: []}]`)
		s.start(kube.Options{Gateway: "ns/mine"}, (&verdict{}).compile).settle(3 * time.Second)
		var left []string
		for _, a := range status(s.get("AgentgatewayPolicy", "ns", "p"), "ancestors").([]any) {
			left = append(left, fmt.Sprint(a.(map[string]any)["controllerName"], " ", a.(map[string]any)["ancestorRef"].(map[string]any)["name"]))
		}
		wantText(t, "entries that stay", strings.Join(left, ", "), "tollgate.dev/gateway now, other.io/c before")
	})
}

func TestAConflictIsTriedAgainOnWhatIsThereNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		var once sync.Once
		s.before = func(verb string, _ *unstructured.Unstructured) (err error) {
			if verb != "update httproutes/status" {
				return nil
			}
			once.Do(func() { // somebody is faster
				u := s.get("HTTPRoute", pageNamespace, "openai").DeepCopy()
				u.SetLabels(map[string]string{"by": "another"})
				u.SetResourceVersion("faster")
				if e := s.objects.Tracker().Update(s.of("HTTPRoute"), u, pageNamespace); e != nil {
					t.Error(e)
				}
			})
			return nil
		}
		r := s.start(kube.Options{}, (&verdict{}).compile)
		r.settle(5 * time.Second)
		u := s.get("HTTPRoute", pageNamespace, "openai")
		if len(parents(u)) != 1 || u.GetLabels()["by"] != "another" {
			t.Errorf("status %v, labels %v: want both writes", parents(u), u.GetLabels())
		}
		if strings.Contains(r.log.String(), "WARN") {
			t.Errorf("a conflict is no news:\n%s", r.log)
		}
	})
}

// TestTwoControllersThatFight: whoever wants the last word about a status is not answered
// as fast as the API server can write.
func TestTwoControllersThatFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		r := s.start(kube.Options{}, (&verdict{}).compile)
		r.settle(5 * time.Second)
		client := s.objects.Resource(s.of("HTTPRoute")).Namespace(pageNamespace)
		ctx, stop := context.WithCancel(context.Background())
		var fighting sync.WaitGroup
		fighting.Go(func() { // it takes our entry away whenever it is there
			for ctx.Err() == nil {
				u := s.get("HTTPRoute", pageNamespace, "openai").DeepCopy()
				if len(parents(u)) > 0 {
					u.Object["status"] = map[string]any{"parents": []any{}}
					if _, err := client.UpdateStatus(ctx, u, metav1.UpdateOptions{}); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		s.written()
		time.Sleep(10 * time.Minute)
		stop()
		fighting.Wait()
		if n := len(s.written()); n < 20 || n > 60 { // half of them are the other one's
			t.Errorf("%d writes in ten minutes", n)
		}
		if n := strings.Count(r.log.String(), "is written again and again"); n != 1 {
			t.Errorf("said %d times:\n%s", n, r.log)
		}
		// Once the other one is gone the status is right soon, and it takes part in new fights as before.
		time.Sleep(6 * time.Minute)
		if got := parents(s.get("HTTPRoute", pageNamespace, "openai")); len(got) != 1 {
			t.Errorf("parents %v", got)
		}
		s.setStatus("HTTPRoute", pageNamespace, "openai", "parents: []")
		r.settle(time.Second)
		if got := parents(s.get("HTTPRoute", pageNamespace, "openai")); len(got) != 1 {
			t.Errorf("parents %v", got)
		}
	})
}

func TestAStatusThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.deny("update backends/status")
		tries := 0
		s.before = func(verb string, u *unstructured.Unstructured) error {
			if verb != "update gateways/status" {
				return nil
			}
			tries++
			return apierrors.NewInvalid(schema.GroupKind{Kind: "Gateway"}, u.GetName(), nil)
		}
		r := s.start(kube.Options{}, (&verdict{}).compile)
		r.settle(5 * time.Minute)
		if tries != 1 {
			t.Errorf("an invalid status was sent %d times", tries)
		}
		log := r.log.String()
		if n := strings.Count(log, "does not take what has to be written"); n != 2 || !strings.Contains(log, `grant="get on backends.gateway.kgateway.dev, update on its status"`) {
			t.Errorf("said %d times, want once of each:\n%s", n, log)
		}
		if len(parents(s.get("HTTPRoute", pageNamespace, "openai"))) != 1 {
			t.Error("the others have no status")
		}
	})
}

// ledger tells what keys have spent.
type ledger struct {
	mu    sync.Mutex
	usage kube.KeyUsage
	err   error
	reads int
}

func (l *ledger) KeyUsage(_ context.Context, _ string) (*kube.KeyUsage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	u := l.usage
	u.Limits = slices.Clone(u.Limits)
	return &u, l.err
}

func (l *ledger) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

func TestUsageOfVirtualKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply("apiVersion: tollgate.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: alice, namespace: team}\nspec: {}")
		resets := time.Now().Add(time.Hour)
		l := &ledger{usage: kube.KeyUsage{Spent: "1.5", Limits: []kube.LimitUsage{{Kind: "cost", Amount: "10", Spent: "1.5", Reserved: "0", Remaining: "8.5", ResetsAt: &resets}}}}
		r := s.start(kube.Options{Usage: l}, (&verdict{}).compile)
		r.settle(3 * time.Second)
		if w := s.written(); !slices.Contains(w, "update virtualkeys/status team/alice") || len(w) != 5 {
			t.Errorf("writes: %v, want one for each object", w)
		}
		u := s.get("VirtualKey", "team", "alice")
		text, err := json.Marshal(u.Object["status"])
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, "status", string(text), `{"conditions":[{"lastTransitionTime":"2000-01-01T00:00:00Z","message":"","observedGeneration":1,"reason":"Accepted","status":"True","type":"Accepted"}],`+
			`"keyID":"key_aaaaaaaaaaaa","limits":[{"amount":"10","kind":"cost","remaining":"8.5","reserved":"0","resetsAt":"2000-01-01T01:00:00Z","spent":"1.5"}],`+
			`"secretName":"alice","spent":"1.5","usageAt":"2000-01-01T00:00:00Z"}`)

		r.settle(5 * time.Minute)
		if w := s.written(); len(w) > 0 || l.reads < 25 {
			t.Errorf("nothing was spent, read %d times, written %v", l.reads, w)
		}
		later := resets.Add(time.Minute)
		l.set(func() { l.usage.Limits[0].ResetsAt = &later }) // a window that slides
		r.settle(time.Minute)
		if w := s.written(); len(w) > 0 {
			t.Errorf("a window slid, and %v was written", w)
		}
		l.set(func() { l.usage.Spent = "2" })
		r.settle(15 * time.Second)
		if w := s.written(); len(w) != 1 || status(s.get("VirtualKey", "team", "alice"), "spent") != "2" {
			t.Errorf("after spending: %v", w)
		}
		l.set(func() { l.err = errors.New("the ledger is busy") })
		r.settle(time.Minute)
		if w := s.written(); len(w) > 0 || status(s.get("VirtualKey", "team", "alice"), "spent") != "2" {
			t.Errorf("what cannot be read changed the status: %v", w)
		}
		told := r.told
		l.set(func() { l.err, l.usage.Limits[0].ResetsAt = nil, new(resets.Add(24*time.Hour)) })
		r.settle(61 * time.Minute)
		if w := s.written(); len(w) != 1 {
			t.Errorf("after the instant of reset was over: %v, want it written once", w)
		}
		if r.told != told {
			t.Error("our own statuses are told as changes")
		}
	})
}
