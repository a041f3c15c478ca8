package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
)

// cluster gives as many routes, policies and VirtualKeys as are wanted, all of them good.
func cluster(t *testing.T, size int) *manifest.Objects {
	t.Helper()
	o := stage(t)
	read(t, o, ruleObject("r api-keys=Strict => Service/v1")+strings.NewReplacer("KIND", "HTTPRoute", "TARGET", "r").Replace(limitedRoute))
	route, policy := o.Routes[0], o.Policies[0]
	o.Routes, o.Policies = nil, nil
	for i := range size {
		r, p := route.DeepCopy(), *policy
		r.Name, r.Spec.Rules[0].Matches[0].Path.Value = fmt.Sprint("r", i), new(fmt.Sprint("/r", i))
		p.Name, p.Spec.TargetRefs = r.Name, []resource.AgentgatewayTarget{policy.Spec.TargetRefs[0]}
		p.Spec.TargetRefs[0].Name = r.Name
		o.Routes, o.Policies = append(o.Routes, r), append(o.Policies, &p)
		o.VirtualKeys = append(o.VirtualKeys, virtualKey([]string{"infra", "web", "other"}[i%3], fmt.Sprint("k", i), resource.VirtualKeySpec{}))
	}
	for _, m := range manifest.Compile(defaults(t), o, settingsOf(t, "")).Mint {
		s, _ := minted(t, m.Key, m.ID)
		o.Secrets = append(o.Secrets, s)
	}
	return o
}

// The work grows with the number of objects, and not with its square: all of them are compiled
// whenever one of them changes. What is counted is what is allocated.
func TestWorkGrowsWithTheObjects(t *testing.T) {
	count := func(size int) float64 {
		o, base, s := cluster(t, size), defaults(t), settingsOf(t, "")
		return testing.AllocsPerRun(1, func() {
			if c := inForce(t, manifest.Compile(base, o, s).Config); len(c.Declared) != size {
				t.Fatalf("%d keys", len(c.Declared))
			}
		})
	}
	if small, large := count(50), count(400); large > 10*small {
		t.Errorf("%.0f allocations for 50 of each, %.0f for 400", small, large)
	}
}

// A private key of any size is read again with every change of any object.
func TestCertificateThatIsTooLarge(t *testing.T) {
	o := stage(t)
	read(t, o, "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: secure, namespace: infra}\n"+
		"spec: {gatewayClassName: tollgate, listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}]}")
	ready := "gateway infra/secure listener https Programmed=True"
	if got := statusLines(&manifest.Compile(defaults(t), o, settingsOf(t, "")).Statuses); !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, ready) }) {
		t.Fatalf("without the padding it is not served:\n%s", strings.Join(got, "\n"))
	}
	padding := []byte("\n" + strings.Repeat("#", 32<<10))
	for _, s := range o.Secrets {
		if s.Namespace == "infra" && s.Name == "certificate" {
			s.Data["tls.key"] = append(slices.Clone(s.Data["tls.key"]), padding...)
		}
	}
	want := "gateway infra/secure listener https ResolvedRefs=False InvalidCertificateRef: Secret/infra/certificate is too large"
	if got := statusLines(&manifest.Compile(defaults(t), o, settingsOf(t, "")).Statuses); !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, want) }) {
		t.Error(strings.Join(got, "\n"))
	}
}

func TestServiceWithManyEndpoints(t *testing.T) {
	o := stage(t)
	read(t, o, ruleObject("a => Service/v1"))
	var all []string
	for i := range 1200 {
		all = append(all, fmt.Sprintf("{addresses: [10.1.%d.%d]}", i/200, i%200+1))
	}
	read(t, o, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: many, namespace: infra, labels: {kubernetes.io/service-name: v1}}\naddressType: IPv4\nports: [{name: web, port: 3000}]\nendpoints: ["+strings.Join(all, ", ")+"]")
	r, _ := compileKeys(t, o, time.Time{})
	if n := len(r.Config.Routes[0].Backends[0].Endpoints); n != 1000 || !strings.Contains(strings.Join(r.Warnings, "\n"), "Service/infra/v1: port 8080 has 1201 ready endpoints; requests are sent to 1000 of them") {
		t.Errorf("%d endpoints, warnings %v", n, r.Warnings)
	}
}
