package manifest_test

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"tollgate/internal/config"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/snapshot"
)

// read adds the objects of a YAML text, of any kind, to others.
func read(t *testing.T, o *manifest.Objects, text string) {
	t.Helper()
	for _, document := range strings.Split("\n"+text, "\n---\n") {
		var head metav1.TypeMeta
		if err := json.Unmarshal(jsonOf(t, document), &head); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch head.Kind {
		case "":
		case "GatewayClass":
			o.Classes = add(t, o.Classes, document)
		case "Gateway":
			o.Gateways = add(t, o.Gateways, document)
		case "HTTPRoute":
			o.Routes = add(t, o.Routes, document)
		case "ReferenceGrant":
			o.Grants = add(t, o.Grants, document)
		case "BackendTLSPolicy":
			o.TLSPolicies = add(t, o.TLSPolicies, document)
		case "Namespace":
			o.Namespaces = add(t, o.Namespaces, document)
		case "Service":
			o.Services = add(t, o.Services, document)
		case "EndpointSlice":
			o.Slices = add(t, o.Slices, document)
		case "Secret":
			o.Secrets = add(t, o.Secrets, document)
		case "ConfigMap":
			o.ConfigMaps = add(t, o.ConfigMaps, document)
		case "Backend":
			o.Backends = add(t, o.Backends, document)
		case "AgentgatewayBackend":
			o.AIBackends = add(t, o.AIBackends, document)
		case "AgentgatewayPolicy":
			o.Policies = add(t, o.Policies, document)
		case "VirtualKey":
			o.VirtualKeys = add(t, o.VirtualKeys, document)
		default:
			t.Fatalf("an object of the kind %s", head.Kind)
		}
	}
}

func add[T any](t *testing.T, to []*T, document string) []*T {
	t.Helper()
	o := new(T)
	d := json.NewDecoder(bytes.NewReader(jsonOf(t, document)))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return append(to, o)
}

// documents are the YAML texts that were read already, as JSON: they are read many times.
var documents sync.Map

func jsonOf(t *testing.T, document string) []byte {
	t.Helper()
	if text, ok := documents.Load(document); ok {
		return text.([]byte)
	}
	text, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	documents.Store(document, text)
	return text
}

// pair is a certificate of its own with its key, made once because that takes long.
var pair = sync.OnceValues(func() (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example.com"}, DNSNames: []string{"example.com"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
})

// certificates adds a Secret with a certificate, and a ConfigMap with its authority, to two
// namespaces.
func certificates(o *manifest.Objects) {
	cert, key := pair()
	for _, namespace := range []string{"infra", "web"} {
		o.Secrets = append(o.Secrets, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "certificate", Namespace: namespace}, Type: corev1.SecretTypeTLS,
			Data: map[string][]byte{"tls.crt": cert, "tls.key": key},
		})
		o.ConfigMaps = append(o.ConfigMaps, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "authority", Namespace: namespace}, Data: map[string]string{"ca.crt": string(cert)},
		})
	}
}

// settingsOf reads settings, one on each line.
func settingsOf(t *testing.T, text string) manifest.Settings {
	t.Helper()
	s := manifest.Settings{
		Controller: "tollgate.dev/gateway", Address: "192.0.2.1", Broken: map[manifest.Ref]string{}, Unavailable: map[int]string{},
	}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		first, second, _ := strings.Cut(rest, " ")
		switch word {
		case "":
		case "class":
			s.Class = rest
		case "gateway":
			namespace, name, _ := strings.Cut(rest, "/")
			s.Gateway = types.NamespacedName{Namespace: namespace, Name: name}
		case "local":
			s.Local = true
		case "address":
			s.Address = rest
		case "bind":
			s.Bind = rest
		case "broken":
			ref, ok := manifest.ParseRef(first)
			if !ok {
				t.Fatalf("no object: %s", first)
			}
			s.Broken[ref] = second
		case "unavailable":
			var port int
			if _, err := fmt.Sscan(first, &port); err != nil {
				t.Fatal(err)
			}
			s.Unavailable[port] = second
		default:
			t.Fatalf("no setting: %s", word)
		}
	}
	return s
}

// statusLines gives statuses as text, one condition on each line.
func statusLines(s *manifest.Statuses) []string {
	var out []string
	say := func(who string, all []metav1.Condition) {
		for _, c := range all {
			out = append(out, fmt.Sprintf("%s %s=%s %s: %s (%d)", who, c.Type, c.Status, c.Reason, c.Message, c.ObservedGeneration))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Classes)) {
		say("class "+name, s.Classes[name].Conditions)
	}
	for _, name := range inOrder(s.Gateways) {
		g := s.Gateways[name]
		say("gateway "+name.String(), g.Conditions)
		for _, a := range g.Addresses {
			out = append(out, fmt.Sprintf("gateway %s address %s %s", name, *a.Type, a.Value))
		}
		for _, l := range g.Listeners {
			var kinds []string
			for _, k := range l.SupportedKinds {
				kinds = append(kinds, string(*k.Group)+"/"+string(k.Kind))
			}
			out = append(out, fmt.Sprintf("gateway %s listener %s kinds %v attached %d", name, l.Name, kinds, l.AttachedRoutes))
			say(fmt.Sprintf("gateway %s listener %s", name, l.Name), l.Conditions)
		}
	}
	for _, name := range inOrder(s.Routes) {
		for _, p := range s.Routes[name] {
			say(fmt.Sprintf("route %s at %s", name, parentText(&p.ParentRef)), p.Conditions)
		}
	}
	for _, name := range inOrder(s.TLSPolicies) {
		for _, a := range s.TLSPolicies[name] {
			say(fmt.Sprintf("policy %s at %s", name, parentText(&a.AncestorRef)), a.Conditions)
		}
	}
	return out
}

func inOrder[T any](m map[types.NamespacedName]T) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(m), func(a, b types.NamespacedName) int { return cmp.Compare(a.String(), b.String()) })
}

func parentText(p *gatewayv1.ParentReference) string {
	text := string(p.Name)
	if p.Namespace != nil {
		text = string(*p.Namespace) + "/" + text
	}
	if p.SectionName != nil {
		text += "#" + string(*p.SectionName)
	}
	if p.Port != nil {
		text += fmt.Sprintf(":%d", *p.Port)
	}
	return text
}

// gatewayLines gives the gateways of a configuration as text.
func gatewayLines(c *config.Config) []string {
	var out []string
	for _, e := range c.Gateways {
		line := fmt.Sprintf("%s on %s:%d", e.Name, e.Value.BindAddress, e.Value.Port)
		for _, l := range e.Value.Listeners {
			line += fmt.Sprintf(" %s=%s", l.Name, l.Protocol)
			if l.Hostname != "" {
				line += "," + l.Hostname
			}
			if l.TLS != nil {
				line += "," + l.TLS.Cert.Name
			}
		}
		out = append(out, line)
	}
	return out
}

// routeLines gives the routes of a configuration as text.
func routeLines(c *config.Config) []string {
	var out []string
	for i := range c.Routes {
		r := &c.Routes[i]
		line := fmt.Sprintf("%s/%s %s at %s#%s", r.Namespace, r.Name, r.RuleName, r.Gateways[0].Gateway, r.Gateways[0].Listener)
		if len(r.Hostnames) > 0 {
			line += " for " + strings.Join(r.Hostnames, ",")
		}
		for j := range r.Matches {
			line += " " + matchText(&r.Matches[j])
		}
		line += policyText(&r.Policies)
		if r.Unserved != "" {
			line += fmt.Sprintf(" => %d", r.Status)
		}
		for j := range r.Backends {
			line += " => " + backendText(&r.Backends[j])
		}
		out = append(out, line)
	}
	return out
}

func matchText(m *config.RouteMatch) string {
	parts := []string{m.Method, m.Path.Exact, m.Path.Prefix, m.Path.Regex}
	for i, sign := range []string{"", "=", "^", "~"} {
		if parts[i] != "" {
			parts[i] = sign + parts[i]
		}
	}
	for _, part := range []struct {
		name string
		all  []config.ValueMatch
	}{{"header", m.Headers}, {"query", m.Query}} {
		for _, v := range part.all {
			if v.Value.Exact != nil {
				parts = append(parts, fmt.Sprintf("%s:%s=%s", part.name, v.Name, *v.Value.Exact))
			} else {
				parts = append(parts, fmt.Sprintf("%s:%s~%s", part.name, v.Name, *v.Value.Regex))
			}
		}
	}
	return "[" + strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ") + "]"
}

func policyText(p *config.RoutePolicies) string {
	text := headerText("request", p.RequestHeaders) + headerText("response", p.ResponseHeaders)
	if u := p.URLRewrite; u != nil {
		text += " rewrite" + authorityText(u.Authority) + pathText(u.Path)
	}
	if r := p.RequestRedirect; r != nil {
		text += fmt.Sprintf(" redirect(%d %s%s%s)", r.Status, r.Scheme, authorityText(r.Authority), pathText(r.Path))
	}
	if t := p.Timeout; t != nil {
		text += fmt.Sprintf(" timeout(%s %s)", t.Request, t.BackendRequest)
	}
	if r := p.Retry; r != nil {
		text += fmt.Sprintf(" retry(%d %s %v)", r.Attempts, r.Backoff, r.Codes)
	}
	if c := p.CORS; c != nil {
		text += fmt.Sprintf(" cors(%v %v %v %v %t %s)", c.AllowOrigins, c.AllowMethods, c.AllowHeaders, c.ExposeHeaders, c.AllowCredentials, c.MaxAge)
	}
	return text
}

func authorityText(a *config.Authority) string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("(%s %s:%d)", a.Mode, a.Host, a.Port)
}

func pathText(p *config.PathEdit) string {
	switch {
	case p == nil:
		return ""
	case p.Full != nil:
		return "=" + *p.Full
	default:
		return "^" + *p.Prefix
	}
}

func headerText(what string, h *config.HeaderModifier) string {
	if h == nil {
		return ""
	}
	text := " " + what + "("
	for _, name := range h.Remove {
		text += "-" + name + " "
	}
	for _, e := range h.Set {
		text += e.Name + "=" + e.Value + " "
	}
	for _, e := range h.Add {
		text += "+" + e.Name + "=" + e.Value + " "
	}
	return strings.TrimSuffix(text, " ") + ")"
}

func backendText(b *config.RouteBackend) string {
	var text string
	switch {
	case b.Unserved != "":
		text = fmt.Sprint(b.Status)
	case b.AI != nil:
		text = "models"
	default:
		for _, e := range b.Endpoints {
			text += fmt.Sprintf("%s:%d ", e.Host, e.Port)
		}
	}
	text = strings.TrimSpace(text)
	if b.Weight != 1 {
		text += fmt.Sprintf(" x%d", b.Weight)
	}
	if tls := b.Policies.BackendTLS; tls != nil {
		text += fmt.Sprintf(" tls(%s %s)", tls.Hostname, tls.Root.Name)
	}
	return text + headerText("request", b.Policies.RequestHeaders) + headerText("response", b.Policies.ResponseHeaders)
}

// defaults gives the configuration of a program that was given no file.
func defaults(t *testing.T) *config.Config { return baseOf(t, "") }

// baseOf gives the configuration of a file.
func baseOf(t *testing.T, text string) *config.Config {
	t.Helper()
	c, report := config.Load(config.Source{Name: "base.yaml", Text: []byte(cmp.Or(text, "{}\n"))}, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// inForce compiles a configuration to what requests are served by. There must be nothing
// wrong with it, whatever the objects were.
func inForce(t *testing.T, c *config.Config) *snapshot.Compiled {
	t.Helper()
	at := time.Unix(1767323045, 0)
	var report config.Report
	out := snapshot.Compile(c, &report, snapshot.Parts{
		Limits: ratelimit.NewRegistry(at), Health: routing.NewRegistry(), Now: func() time.Time { return at }, Started: at,
	})
	if out == nil {
		t.Fatalf("the configuration is refused: %v", report.Err())
	}
	return out
}

// stage gives the objects that all tests have.
func stage(t *testing.T) *manifest.Objects {
	t.Helper()
	text, err := os.ReadFile("testdata/stage.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := &manifest.Objects{Bundle: "v1.6.3"}
	read(t, o, string(text))
	certificates(o)
	return o
}
