package manifest_test

import (
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/config"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
	"tollgate/internal/snapshot"
	"tollgate/internal/vkey"
)

// keyCluster has VirtualKeys of two namespaces, and listeners for one and for both of them.
const keyCluster = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: listeners, namespace: infra}
spec:
  gatewayClassName: tollgate
  listeners:
  - {name: all, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: same, port: 82, protocol: HTTP}
  - {name: selected, port: 83, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {tier: backend}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: infra, annotations: {tollgate.dev/api-keys: Permissive}}
spec: {parentRefs: [{name: listeners, sectionName: all}, {name: listeners, sectionName: same}], rules: [{backendRefs: [{name: v1, port: 8080}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: web, annotations: {tollgate.dev/api-keys: Permissive}}
spec: {parentRefs: [{name: listeners, namespace: infra, sectionName: selected}], rules: [{backendRefs: [{name: v1, port: 8080}]}]}
`

// keyObjects are the objects of a test of VirtualKeys.
func keyObjects(t *testing.T, keys ...*resource.VirtualKey) *manifest.Objects {
	t.Helper()
	o := stage(t)
	read(t, o, keyCluster)
	o.VirtualKeys = keys
	return o
}

func virtualKey(namespace, name string, spec resource.VirtualKeySpec) *resource.VirtualKey {
	return &resource.VirtualKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + namespace + name), Generation: 6}, Spec: spec,
	}
}

// minted gives the Secret of a key with a secret that was minted for it, and that secret.
func minted(t *testing.T, o *resource.VirtualKey, id string) (*corev1.Secret, string) {
	t.Helper()
	value, err := vkey.MintSecret(id, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := o.Spec.SecretName
	if name == "" {
		name = o.Name
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "tollgate.dev/v1alpha1", Kind: "VirtualKey", Name: o.Name, UID: o.UID}}},
		Data:       map[string][]byte{resource.SecretCurrent: []byte(value.Reveal()), resource.SecretRotation: []byte(o.Spec.Rotation)},
	}, value.Reveal()
}

func compileKeys(t *testing.T, o *manifest.Objects, now time.Time) (*manifest.Result, *snapshot.Compiled) {
	t.Helper()
	s := settingsOf(t, "")
	s.Now = now
	r := manifest.Compile(defaults(t), o, s)
	return r, inForce(t, r.Config)
}

// conditionText gives a condition of a key as text.
func conditionText(r *manifest.Result, o *resource.VirtualKey, kind string) string {
	for _, c := range r.Statuses.VirtualKeys[types.NamespacedName{Namespace: o.Namespace, Name: o.Name}].Conditions {
		if c.Type == kind {
			return fmt.Sprintf("%s %s: %s (%d)", c.Status, c.Reason, c.Message, c.ObservedGeneration)
		}
	}
	return "none"
}

func mintText(r *manifest.Result) string {
	var all []string
	for _, m := range r.Mint {
		all = append(all, fmt.Sprintf("%s/%s %s %t", m.Key.Namespace, m.Key.Name, m.ID, m.Rotate))
	}
	return strings.Join(all, "\n")
}

func TestVirtualKeyIsMinted(t *testing.T) {
	o := virtualKey("web", "app", resource.VirtualKeySpec{})
	r, c := compileKeys(t, keyObjects(t, o), time.Time{})
	status := r.Statuses.VirtualKeys[types.NamespacedName{Namespace: "web", Name: "app"}]
	if mintText(r) != "web/app "+status.KeyID+" false" || len(c.Declared) != 0 || status.SecretName != "app" || status.Rotation != "" {
		t.Errorf("mint %q, status %+v", mintText(r), status)
	}
	if got := conditionText(r, o, "Ready"); got != "False SecretMissing: the Secret web/app with the key is yet to be made (6)" {
		t.Error(got)
	}
	if got := conditionText(r, o, "Accepted"); !strings.HasPrefix(got, "True Valid") {
		t.Error(got)
	}

	objects := keyObjects(t, o)
	s, value := minted(t, o, status.KeyID)
	objects.Secrets = append(objects.Secrets, s)
	r, c = compileKeys(t, objects, time.Time{})
	if got := conditionText(r, o, "Ready"); got != `True Minted: The key is in the entry "key" of the Secret app (6)` || mintText(r) != "" {
		t.Errorf("%s, mint %q", got, mintText(r))
	}
	if len(c.Declared) != 1 {
		t.Fatalf("%d keys are declared", len(c.Declared))
	}
	k := c.Declared[0]
	if k.ID != status.KeyID || k.Name != "web/app" || k.Labels["namespace"] != "web" || k.Secrets[0].Digest != vkey.Hash(value) || k.Secrets[0].Last4 != value[len(value)-4:] || k.Status != vkey.StatusActive {
		t.Errorf("%+v", k)
	}

	// Another object of the name is another key: the secret of the first is not its own.
	again := virtualKey("web", "app", resource.VirtualKeySpec{})
	again.UID = "another"
	objects.VirtualKeys = []*resource.VirtualKey{again}
	r, c = compileKeys(t, objects, time.Time{})
	if id := r.Statuses.VirtualKeys[types.NamespacedName{Namespace: "web", Name: "app"}].KeyID; id == status.KeyID || len(c.Declared) != 0 {
		t.Errorf("the id is %s again", id)
	}
	if got := conditionText(r, again, "Accepted"); !strings.HasPrefix(got, "False SecretTaken: the Secret web/app exists and does not belong to this object") || mintText(r) != "" {
		t.Errorf("%s, mint %q", got, mintText(r))
	}
}

func TestVirtualKeyOnListeners(t *testing.T) {
	infra, web := virtualKey("infra", "a", resource.VirtualKeySpec{}), virtualKey("web", "b", resource.VirtualKeySpec{DisplayName: "B", SecretName: "b-secret"})
	objects := keyObjects(t, web, infra)
	r, _ := compileKeys(t, objects, time.Time{})
	for _, m := range r.Mint {
		s, _ := minted(t, m.Key, m.ID)
		objects.Secrets = append(objects.Secrets, s)
	}
	if len(r.Mint) != 2 || r.Mint[0].Key != infra {
		t.Fatalf("mint %s", mintText(r))
	}
	r, _ = compileKeys(t, objects, time.Time{})
	got := map[string]string{}
	lists := map[string]*config.APIKeys{}
	for i := range r.Config.Routes {
		route := &r.Config.Routes[i]
		got[route.Gateways[0].Listener] = keysText(route.Policies.APIKey)
		lists[route.Gateways[0].Listener] = route.Policies.APIKey
	}
	want := map[string]string{"all": " permissive[infra/a B]", "same": " permissive[infra/a]", "selected": " permissive[B]"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}

	// The same keys are one list, however many rules there are.
	read(t, objects, strings.ReplaceAll(strings.ReplaceAll(ruleObject("other api-keys=Permissive => Service/v1"), "name: gw,", "name: listeners, sectionName: all,"), "name: only", "name: another"))
	r, _ = compileKeys(t, objects, time.Time{})
	for i := range r.Config.Routes {
		if route := &r.Config.Routes[i]; route.Name == "other" {
			for j := range r.Config.Routes {
				if other := &r.Config.Routes[j]; other.Name == "r" && other.Gateways[0].Listener == "all" && other.Policies.APIKey != route.Policies.APIKey {
					t.Error("the same keys are listed twice")
				}
			}
		}
	}
}

func TestVirtualKeySays(t *testing.T) {
	end := metav1.NewTime(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	spec := resource.VirtualKeySpec{
		DisplayName: "App $HOME ~/x", Labels: map[string]string{"team": "payments", "namespace": "infra"},
		Models:     &resource.VirtualKeyModels{Allow: &[]string{"gpt-*"}, Deny: []string{"*-pro"}},
		Operations: &[]string{"chat"}, Networks: &[]string{"10.0.0.0/8"}, ExpiresAt: &end, MaxTokens: 100, Clamp: true, Discreet: true,
		Limits: []resource.VirtualKeyLimit{
			{Kind: "cost", Amount: "200.00", Window: &resource.VirtualKeyWindow{Calendar: "month", Timezone: "Europe/Berlin", Anchor: "15"}},
			{Kind: "tokens", Amount: "5", Models: []string{"gpt-5"}, Window: &resource.VirtualKeyWindow{Fixed: &metav1.Duration{Duration: 5 * time.Hour}, Origin: &metav1.Time{Time: time.Unix(3600, 0)}}},
			{Kind: "requests", Amount: "60", Window: &resource.VirtualKeyWindow{Sliding: &metav1.Duration{Duration: time.Minute}}},
			{Kind: "concurrency", Amount: "8"},
		},
	}
	o := virtualKey("web", "app", spec)
	objects := keyObjects(t, o)
	r, _ := compileKeys(t, objects, time.Time{})
	s, _ := minted(t, o, r.Mint[0].ID)
	objects.Secrets = append(objects.Secrets, s)
	r, c := compileKeys(t, objects, end.Add(-time.Hour))
	if !r.Next.Equal(end.Time) {
		t.Errorf("the next change is at %s", r.Next)
	}
	k := c.Declared[0]
	if k.Name != "App $HOME ~/x" || fmt.Sprint(k.Labels) != "map[namespace:web team:payments]" || fmt.Sprint(k.Models) != "{[gpt-*] [*-pro]}" ||
		fmt.Sprint(k.Operations, k.Networks) != "[chat] [10.0.0.0/8]" || !k.ExpiresAt.Equal(end.Time) || k.MaxTokens != 100 || !k.Clamp || !k.Discreet {
		t.Errorf("%+v", k)
	}
	var limits []string
	for _, l := range k.Limits {
		limits = append(limits, fmt.Sprint(l.Kind, " ", l.Amount, " ", l.Window))
	}
	if got := strings.Join(limits, ", "); got != "cost 200000000000 month Europe/Berlin 15, tokens 5 fixed 5h0m0s 1970-01-01T01:00:00Z, requests 60 sliding 1m0s, concurrency 8 life" {
		t.Error(got)
	}

	// Amounts change; what was counted stays with the limit.
	first := k.Limits[0].ID
	o.Spec.Limits[0].Amount = "300"
	_, c = compileKeys(t, objects, time.Time{})
	if got := c.Declared[0].Limits[0]; got.ID != first || got.Amount != 300_000_000_000 {
		t.Errorf("%+v", got)
	}
	if r, _ := compileKeys(t, objects, end.Time); conditionText(r, o, "Ready") != "False Expired: the key ended at 2027-01-01T00:00:00Z (6)" || !r.Next.IsZero() {
		t.Error(conditionText(r, o, "Ready"), r.Next)
	}

	// Empty lists allow nothing.
	o.Spec.Models, o.Spec.Operations, o.Spec.Networks = &resource.VirtualKeyModels{Allow: &[]string{}}, &[]string{}, &[]string{}
	_, c = compileKeys(t, objects, time.Time{})
	if k := c.Declared[0]; k.Models.Allow == nil || k.Operations == nil || k.Networks == nil {
		t.Errorf("%+v", k)
	}
}

func TestVirtualKeyThatMakesNoSense(t *testing.T) {
	limit := func(kind, amount string, w *resource.VirtualKeyWindow) resource.VirtualKeySpec {
		return resource.VirtualKeySpec{Limits: []resource.VirtualKeyLimit{{Kind: kind, Amount: amount, Window: w}}}
	}
	for _, tt := range []struct {
		spec resource.VirtualKeySpec
		want string
	}{
		{limit("cost", "much", nil), `limits[0].amount: must be an amount of US dollars such as "200.00", with 9 decimals at most`},
		{limit("money", "1", nil), `limits[0].kind: "money" is none of cost, tokens, requests, concurrency`},
		{limit("tokens", "1.5", nil), "limits[0].amount: must be a whole number of tokens, without a unit"},
		{limit("cost", "1", &resource.VirtualKeyWindow{}), "limits[0].window: one of calendar, fixed, sliding is needed"},
		{limit("cost", "1", &resource.VirtualKeyWindow{Calendar: "month", Timezone: "Mars"}), "limits[0].window.timezone: must be a time zone of the IANA database such as Europe/Berlin"},
		{limit("concurrency", "1", &resource.VirtualKeyWindow{Calendar: "month"}), "limits[0].window: has no meaning for concurrency"},
		{limit("cost", "1", &resource.VirtualKeyWindow{Sliding: &metav1.Duration{Duration: time.Millisecond}}), "limits[0].window.sliding: a sliding window of 1ms"},
		{resource.VirtualKeySpec{Models: &resource.VirtualKeyModels{Allow: &[]string{"a*b"}}}, "models.allow[0]: has a wildcard in the middle"},
		{resource.VirtualKeySpec{Operations: &[]string{"chats"}}, `operations[0]: "chats" is none of `},
		{resource.VirtualKeySpec{Networks: &[]string{"10.0.0.1/8"}}, `networks[0]: "10.0.0.1/8" has bits behind its 8; write 10.0.0.0/8`},
		{resource.VirtualKeySpec{Labels: map[string]string{"a b": "c"}}, "the name of a label has 1 to 63 letters, digits, dots, dashes and underscores"},
		{resource.VirtualKeySpec{MaxTokens: -1}, "maxTokens: must be at least 0"},
		{resource.VirtualKeySpec{DisplayName: strings.Repeat("x", 129)}, "name: is longer than 128 bytes"},
	} {
		o := virtualKey("web", "app", tt.spec)
		objects := keyObjects(t, o)
		r, _ := compileKeys(t, objects, time.Time{})
		if got := conditionText(r, o, "Accepted"); !strings.HasPrefix(got, "False Invalid: ") || !strings.Contains(got, tt.want) || !strings.Contains(got, "requests with the key are refused") {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
		if mintText(r) != "" {
			t.Errorf("a secret is minted for it: %s", tt.want)
		}
		// One that has a secret is refused, rather than served without what was meant.
		s, value := minted(t, o, r.Statuses.VirtualKeys[types.NamespacedName{Namespace: "web", Name: "app"}].KeyID)
		objects.Secrets = append(objects.Secrets, s)
		r, c := compileKeys(t, objects, time.Time{})
		if entry, result := c.Snapshot.Keys.Lookup(value, time.Now()); result != vkey.Disabled {
			t.Errorf("%s: the key is found as %v %v", tt.want, entry, result)
		}
		if got := conditionText(r, o, "Ready"); !strings.HasPrefix(got, "False Invalid") {
			t.Error(got)
		}
	}
}

func TestVirtualKeyDisabled(t *testing.T) {
	o := virtualKey("web", "app", resource.VirtualKeySpec{Disabled: true})
	objects := keyObjects(t, o)
	r, _ := compileKeys(t, objects, time.Time{})
	s, value := minted(t, o, r.Mint[0].ID)
	objects.Secrets = append(objects.Secrets, s)
	r, c := compileKeys(t, objects, time.Time{})
	if _, result := c.Snapshot.Keys.Lookup(value, time.Now()); result != vkey.Disabled || c.Declared[0].Status != vkey.StatusDisabled {
		t.Errorf("the key is found as %v", result)
	}
	if got := conditionText(r, o, "Ready"); !strings.HasPrefix(got, "False Disabled") {
		t.Error(got)
	}
}

func TestVirtualKeyRotates(t *testing.T) {
	o := virtualKey("web", "app", resource.VirtualKeySpec{Rotation: "1"})
	objects := keyObjects(t, o)
	r, _ := compileKeys(t, objects, time.Time{})
	id := r.Mint[0].ID
	s, first := minted(t, o, id)
	objects.Secrets = append(objects.Secrets, s)
	o.Spec.Rotation = "2"
	r, _ = compileKeys(t, objects, time.Time{})
	if got := mintText(r); got != "web/app "+id+" true" || r.Statuses.VirtualKeys[types.NamespacedName{Namespace: "web", Name: "app"}].Rotation != "1" {
		t.Errorf("mint %q", got)
	}
	if got := conditionText(r, o, "Ready"); !strings.HasPrefix(got, "True Minted") {
		t.Error(got)
	}

	until := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	_, second := minted(t, o, id)
	s.Data = map[string][]byte{"key": []byte(second), "previousKey": []byte(first), "previousUntil": []byte("2026-06-01T02:00:00+02:00"), "rotation": []byte("2")}
	r, c := compileKeys(t, objects, time.Time{})
	if mintText(r) != "" {
		t.Errorf("mint %q", mintText(r))
	}
	for _, tt := range []struct {
		value string
		at    time.Time
		want  vkey.Result
	}{{first, until.Add(-time.Second), vkey.OK}, {first, until, vkey.Expired}, {second, until, vkey.OK}} {
		if entry, result := c.Snapshot.Keys.Lookup(tt.value, tt.at); result != tt.want || entry.Caller.KeyID != id {
			t.Errorf("at %s: %v", tt.at, result)
		}
	}
	if got := c.Declared[0].Secrets; len(got) != 2 || !got[1].NotAfter.Equal(until) || got[1].Last4 != first[len(first)-4:] {
		t.Errorf("%+v", got)
	}
	s.Data["previousUntil"] = []byte("soon")
	if _, c := compileKeys(t, objects, time.Time{}); len(c.Declared[0].Secrets) != 1 {
		t.Error("a secret without an end is good")
	}
}

func TestVirtualKeyWithForeignSecret(t *testing.T) {
	o, thief := virtualKey("web", "app", resource.VirtualKeySpec{}), virtualKey("web", "thief", resource.VirtualKeySpec{})
	objects := keyObjects(t, o)
	r, _ := compileKeys(t, objects, time.Time{})
	s, value := minted(t, o, r.Mint[0].ID)
	for _, tt := range []struct {
		name   string
		change func(*corev1.Secret)
		want   string
		mint   bool
	}{
		{"another owner", func(s *corev1.Secret) { s.OwnerReferences[0].UID = "x" }, "False SecretTaken", false},
		{"another kind of owner", func(s *corev1.Secret) { s.OwnerReferences[0].Kind = "Deployment" }, "False SecretTaken", false},
		{"no owner", func(s *corev1.Secret) { s.OwnerReferences = nil }, "False SecretTaken", false},
		{"a text of somebody's own", func(s *corev1.Secret) { s.Data["key"] = []byte("sk-mine") }, "True Valid", false},
		{"emptied", func(s *corev1.Secret) { delete(s.Data, "key") }, "True Valid", true},
	} {
		changed := s.DeepCopy()
		tt.change(changed)
		objects := keyObjects(t, o)
		objects.Secrets = append(objects.Secrets, changed)
		r, c := compileKeys(t, objects, time.Time{})
		if got := conditionText(r, o, "Accepted"); !strings.HasPrefix(got, tt.want) || (len(r.Mint) == 1) != tt.mint || len(c.Declared) != 0 {
			t.Errorf("%s: %s, mint %q, %d keys", tt.name, got, mintText(r), len(c.Declared))
		}
		if got := conditionText(r, o, "Ready"); !strings.HasPrefix(got, "False Secret") {
			t.Errorf("%s: %s", tt.name, got)
		}
	}

	// The secret of one key is not good as that of another one.
	objects = keyObjects(t, o, thief)
	stolen, _ := minted(t, thief, "key_000000000000")
	stolen.Data["key"] = []byte(value)
	objects.Secrets = append(objects.Secrets, s, stolen)
	r, c := compileKeys(t, objects, time.Time{})
	if got := conditionText(r, thief, "Ready"); !strings.HasPrefix(got, "False SecretInvalid") || len(c.Declared) != 1 {
		t.Errorf("%s, %d keys", got, len(c.Declared))
	}
}

// A policy that lists the keys of a route is not passed with a VirtualKey of a stranger who
// may attach routes to the same listener; with those of the route's own namespace it is.
func TestVirtualKeysOfStrangers(t *testing.T) {
	own, stranger := virtualKey("infra", "own", resource.VirtualKeySpec{}), virtualKey("web", "stranger", resource.VirtualKeySpec{})
	objects := policyObjects(t, map[string]string{"listed": "sk-listed"})
	read(t, objects, ruleObject("b api-keys=Strict => Service/v1"))
	objects.VirtualKeys = []*resource.VirtualKey{own, stranger}
	r, _ := compileKeys(t, objects, time.Time{})
	for _, m := range r.Mint {
		s, _ := minted(t, m.Key, m.ID)
		objects.Secrets = append(objects.Secrets, s)
	}
	r, _ = compileKeys(t, objects, time.Time{})
	if got := keysText(r.Config.Routes[0].Policies.APIKey) + keysText(r.Config.Routes[1].Policies.APIKey); got != " strict[listed infra/own] strict[infra/own web/stranger]" {
		t.Error(got)
	}
}

// Of several programs, each for one Gateway, exactly one keeps the VirtualKeys of a namespace:
// the one of the oldest Gateway that they are good on. On Gateways where they are not, they
// are not declared.
func TestVirtualKeysAreKeptByOne(t *testing.T) {
	gateway := func(name, made, class string, port int, from string) string {
		return fmt.Sprintf("---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: %s, namespace: infra, creationTimestamp: %q}\n"+
			"spec: {gatewayClassName: %s, listeners: [{name: http, port: %d, protocol: HTTP, allowedRoutes: {namespaces: {%s}}}]}\n", name, made, class, port, from)
	}
	const backend = "from: Selector, selector: {matchLabels: {tier: backend}}" // which infra is not
	text := gateway("private", "2020-01-01T00:00:00Z", "tollgate", 81, "from: Same") + gateway("foreign", "2020-01-01T00:00:00Z", "istio", 80, "from: All") +
		gateway("first", "2021-01-01T00:00:00Z", "second-class", 82, backend) + gateway("second", "2022-01-01T00:00:00Z", "tollgate", 83, backend) +
		"---\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: second-class}\nspec: {controllerName: tollgate.dev/gateway}\n" +
		"---\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: istio}\nspec: {controllerName: istio.io/gateway}\n"
	for name, namespace := range map[string]string{"private": "infra", "first": "web", "second": "web"} {
		text += "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: " + name + ", namespace: " + namespace + ", annotations: {tollgate.dev/api-keys: Strict}}\n" +
			"spec: {parentRefs: [{name: " + name + ", namespace: infra}], rules: [{backendRefs: [{name: v1, port: 8080}]}]}\n"
	}
	compile := func(settings string, gateways bool) (*manifest.Result, *snapshot.Compiled) {
		infra, web := virtualKey("infra", "a", resource.VirtualKeySpec{}), virtualKey("web", "b", resource.VirtualKeySpec{Rotation: "again"})
		objects := stage(t)
		objects.Gateways = nil
		if gateways {
			read(t, objects, text)
		}
		objects.VirtualKeys = []*resource.VirtualKey{infra, web}
		probe := manifest.Compile(defaults(t), objects, manifest.Settings{Controller: "tollgate.dev/gateway"})
		for _, m := range probe.Mint {
			m.Key.Spec.Rotation = "" // as it was when it was minted
			s, _ := minted(t, m.Key, m.ID)
			m.Key.Spec.Rotation = "again"
			objects.Secrets = append(objects.Secrets, s)
		}
		r := manifest.Compile(defaults(t), objects, settingsOf(t, settings))
		return r, inForce(t, r.Config)
	}
	for _, c := range []struct{ settings, statuses, declared string }{
		{"gateway infra/private", "infra/a", "infra/a"},
		{"gateway infra/first", "web/b", "web/b"},
		{"gateway infra/second", "", "web/b"},
		{"class tollgate", "infra/a", "infra/a web/b"},
		{"class second-class", "web/b", "web/b"},
		{"", "infra/a web/b", "infra/a web/b"},
	} {
		r, compiled := compile(c.settings, true)
		var statuses, mint, declared []string
		for _, name := range inOrder(r.Statuses.VirtualKeys) {
			statuses = append(statuses, name.String())
		}
		for _, m := range r.Mint {
			mint = append(mint, m.Key.Namespace+"/"+m.Key.Name)
		}
		for _, k := range compiled.Declared {
			declared = append(declared, k.Name)
		}
		slices.Sort(declared)
		if got := strings.Join(statuses, " "); got != c.statuses || strings.Join(mint, " ") != c.statuses {
			t.Errorf("%q: statuses of %q, minted %v, want %q", c.settings, got, mint, c.statuses)
		}
		if got := strings.Join(declared, " "); got != c.declared {
			t.Errorf("%q: declared %q, want %q", c.settings, got, c.declared)
		}
	}
	if r, _ := compile("", false); len(r.Mint) != 2 {
		t.Errorf("without any Gateway: minted %s", mintText(r))
	}
	if r, _ := compile("gateway infra/gone", false); len(r.Mint)+len(r.Statuses.VirtualKeys) != 0 {
		t.Errorf("for a Gateway that is gone: minted %s", mintText(r))
	}

	alone := virtualKey("other", "c", resource.VirtualKeySpec{})
	objects := keyObjects(t, alone)
	objects.Gateways = objects.Gateways[:1]
	objects.Gateways[0].Spec.Listeners[0].AllowedRoutes = nil
	s, _ := minted(t, alone, compileKey(t, objects))
	objects.Secrets = append(objects.Secrets, s)
	r, _ := compileKeys(t, objects, time.Time{})
	if got := conditionText(r, alone, "Ready"); got != "False NotAllowedByListeners: no listener lets the namespace other attach, so the key is good nowhere (6)" {
		t.Error(got)
	}
}

// compileKey gives the id of the only key that is to be minted.
func compileKey(t *testing.T, o *manifest.Objects) string {
	t.Helper()
	r, _ := compileKeys(t, o, time.Time{})
	if len(r.Mint) != 1 {
		t.Fatalf("mint %s", mintText(r))
	}
	return r.Mint[0].ID
}
