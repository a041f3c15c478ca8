package manifest_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tollgate/internal/config"
	"tollgate/internal/declaration"
	"tollgate/internal/kube/manifest"
)

// TestMeaning compiles the objects of each file in testdata/meaning, together with those of
// testdata/stage.yaml, and looks at where requests go and with which keys. A file has these
// sections:
//
//	settings   one on each line
//	objects    YAML
//	rules      HTTPRoutes of one rule that are added, as ruleObject takes them
//	meaning    the routes of the configuration as routeMeaning tells them
//	status     beginnings of lines that the statuses of backends, policies and virtual keys have; with ! in front: have not
//	warnings   parts of the warnings
//	mint       virtual keys that want a secret
func TestMeaning(t *testing.T) {
	files, err := filepath.Glob("testdata/meaning/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := map[string]string{}
			for _, f := range archive.Files {
				s[f.Name] = string(f.Data)
			}
			objects := stage(t)
			read(t, objects, s["objects"])
			for _, line := range lines(s["rules"]) {
				read(t, objects, ruleObject(line))
			}
			result := manifest.Compile(defaults(t), objects, settingsOf(t, s["settings"]))
			if want, ok := s["meaning"]; ok {
				same(t, "routes", meaning(result.Config), want)
			}
			got := ownStatusLines(result)
			for _, want := range lines(s["status"]) {
				begins := func(line string) bool { return strings.HasPrefix(line, strings.TrimPrefix(want, "!")) }
				if slices.ContainsFunc(got, begins) == strings.HasPrefix(want, "!") {
					t.Errorf("status %q in\n%s", want, strings.Join(got, "\n"))
				}
			}
			for _, want := range lines(s["warnings"]) {
				if !strings.Contains(strings.Join(result.Warnings, "\n"), want) {
					t.Errorf("no warning %q in\n%s", want, strings.Join(result.Warnings, "\n"))
				}
			}
			var mint []string
			for _, m := range result.Mint {
				mint = append(mint, fmt.Sprintf("%s/%s rotate=%t", m.Key.Namespace, m.Key.Name, m.Rotate))
			}
			same(t, "keys to mint", mint, s["mint"])
			inForce(t, result.Config)
			for _, line := range append(got, result.Warnings...) {
				for _, secret := range []string{"sk-", "token-"} {
					if strings.Contains(line, secret) {
						t.Errorf("a credential is shown: %s", line)
					}
				}
			}
		})
	}
}

// ruleObject gives an HTTPRoute of a line: its name or namespace/name, annotations as
// name=value without the domain, => and backends as Kind/name. The name is its path.
func ruleObject(line string) string {
	head, tail, _ := strings.Cut(line, "=>")
	words := strings.Fields(head)
	namespace, name, ok := strings.Cut(words[0], "/")
	if !ok {
		namespace, name = "infra", words[0]
	}
	var notes, backends []string
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		notes = append(notes, fmt.Sprintf("tollgate.dev/%s: %q", key, value))
	}
	for _, w := range strings.Fields(tail) {
		kind, backend, _ := strings.Cut(w, "/")
		group := map[string]string{"Backend": "gateway.kgateway.dev", "AgentgatewayBackend": "agentgateway.dev", "Service": `""`}[kind]
		port := ""
		if kind == "Service" {
			port = ", port: 8080"
		}
		backends = append(backends, fmt.Sprintf("{group: %s, kind: %s, name: %s%s}", group, kind, backend, port))
	}
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s, namespace: %s, generation: 4, labels: {app: %s}, annotations: {%s}}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules:
  - name: only
    matches: [{path: {type: PathPrefix, value: /%s}}]
    backendRefs: [%s]
`, name, namespace, name, strings.Join(notes, ", "), name, strings.Join(backends, ", "))
}

// meaning gives the routes of a configuration as text: keys, limits, and where they go.
func meaning(c *config.Config) []string {
	var out []string
	for i := range c.Routes {
		r := &c.Routes[i]
		line := r.Name + keysText(r.Policies.APIKey)
		for _, l := range r.Policies.LocalRateLimit {
			line += fmt.Sprintf(" limit(%s %d+%d/%s %s)", l.Type, l.TokensPerFill, l.MaxTokens-l.TokensPerFill, l.FillInterval, l.Shared)
		}
		line += aiText(r.Policies.AI) + authText(r.Policies.BackendAuth) + tlsText(r.Policies.BackendTLS) + healthText(r.Policies.Health)
		if r.Unserved != "" {
			line += fmt.Sprintf(" => %d %s", r.Status, r.Unserved)
		}
		for j := range r.Backends {
			line += " => " + destinationText(&r.Backends[j])
		}
		out = append(out, line)
	}
	return out
}

func keysText(k *config.APIKeys) string {
	if k == nil {
		return ""
	}
	names := make([]string, len(k.Keys))
	for i := range k.Keys {
		names[i] = declaration.Name(&k.Keys[i])
		if k.Keys[i].Disabled {
			names[i] += "(disabled)"
		}
	}
	text := fmt.Sprintf(" %s%v", k.Mode, names)
	switch l := k.Location; {
	case l == nil:
	case l.Header != nil:
		text += "@" + l.Header.Name + ":" + strings.TrimSpace(l.Header.Prefix)
	case l.Query != nil:
		text += "@?" + l.Query.Name
	case l.Cookie != nil:
		text += "@cookie:" + l.Cookie.Name
	default:
		text += "@(" + l.Expression.Text + ")"
	}
	return text
}

func destinationText(b *config.RouteBackend) string {
	if b.Unserved != "" {
		return fmt.Sprintf("%d %s", b.Status, b.Unserved)
	}
	text := aiText(b.Policies.AI) + authText(b.Policies.BackendAuth) + tlsText(b.Policies.BackendTLS)
	for _, e := range b.Endpoints {
		text += fmt.Sprintf(" %s:%d", e.Host, e.Port)
	}
	if b.AI != nil {
		for i, g := range b.AI.Groups {
			if i > 0 {
				text += " then"
			}
			for j := range g.Providers {
				text += " " + providerText(&g.Providers[j])
			}
		}
	}
	return strings.TrimSpace(text)
}

func providerText(p *config.AIProvider) string {
	text := string(p.Provider.Kind)
	if p.Name != "" {
		text = p.Name + ":" + text
	}
	if p.Provider.Model != "" {
		text += "(" + p.Provider.Model + ")"
	}
	for _, f := range p.Provider.Formats {
		text += "+" + f.Type + f.Path
	}
	if p.HostOverride.Host != "" {
		text += fmt.Sprintf("@%s:%d", p.HostOverride.Host, p.HostOverride.Port)
	}
	if p.PathPrefix != "" {
		text += " " + p.PathPrefix + "/…"
	}
	if p.PathOverride != "" {
		text += " " + p.PathOverride
	}
	for _, h := range p.Headers {
		text += " " + h.Name + "=" + h.Value
	}
	return text + aiText(p.Policies.AI) + authText(p.Policies.BackendAuth) + tlsText(p.Policies.BackendTLS) + healthText(p.Policies.Health)
}

func aiText(a *config.AI) string {
	if a == nil {
		return ""
	}
	text := ""
	for _, e := range a.Routes {
		text += " " + e.Name + "=" + e.Value
	}
	for _, e := range a.ModelAliases {
		text += " alias:" + e.Name + "=" + e.Value
	}
	for _, e := range a.Defaults {
		text += " default:" + e.Name + "=" + string(e.Value)
	}
	for _, e := range a.Overrides {
		text += " override:" + e.Name + "=" + string(e.Value)
	}
	for _, m := range slices.Concat(a.Prompts.Prepend, a.Prompts.Append) {
		text += " say:" + m.Role + "=" + m.Content
	}
	return " ai{" + strings.TrimSpace(text) + "}"
}

func authText(a *config.BackendAuth) string {
	switch {
	case a == nil:
		return ""
	case a.None:
		return " anonymous"
	case a.Passthrough != nil && a.Passthrough.Location != nil:
		return " passthrough@" + a.Passthrough.Location.Header.Name
	case a.Passthrough != nil:
		return " passthrough"
	}
	text := " key=" + a.Key.Value.Text.Reveal()
	if l := a.Key.Location; l != nil {
		text += "@" + l.Header.Name + ":" + strings.TrimSpace(l.Header.Prefix)
	}
	return text
}

func tlsText(t *config.BackendTLS) string {
	if t == nil {
		return ""
	}
	text := " tls"
	if t.Hostname != "" {
		text += ":" + t.Hostname
	}
	if t.Root.Given() {
		text += "+root"
	}
	if t.Cert.Given() && t.Key.Given() {
		text += "+client"
	}
	if t.Insecure || t.InsecureHost {
		text += fmt.Sprintf("+insecure(%t %t)", t.Insecure, t.InsecureHost)
	}
	return text
}

func healthText(h *config.Health) string {
	if h == nil {
		return ""
	}
	text := " health(" + h.Unhealthy.Text
	if h.Eviction != nil {
		text += fmt.Sprintf(" %s after %d", h.Eviction.Duration, h.Eviction.ConsecutiveFailures)
	}
	return text + ")"
}

// ownStatusLines gives the statuses of backends, policies and virtual keys as text.
func ownStatusLines(r *manifest.Result) []string {
	var out []string
	say := func(who string, all []metav1.Condition) {
		for _, c := range all {
			out = append(out, fmt.Sprintf("%s %s=%s %s: %s (%d)", who, c.Type, c.Status, c.Reason, c.Message, c.ObservedGeneration))
		}
	}
	s := &r.Statuses
	for _, name := range inOrder(s.Backends) {
		say("backend "+name.String(), s.Backends[name])
	}
	for _, name := range inOrder(s.AIBackends) {
		say("aibackend "+name.String(), s.AIBackends[name])
	}
	for _, name := range inOrder(s.Routes) {
		for _, p := range s.Routes[name] {
			say("route "+name.String(), p.Conditions)
		}
	}
	for _, name := range inOrder(s.Policies) {
		for _, a := range s.Policies[name] {
			if string(a.ControllerName) != "tollgate.dev/gateway" {
				out = append(out, "another controller's name: "+string(a.ControllerName))
			}
			say(fmt.Sprintf("policy %s at %s/%s", name, *a.AncestorRef.Kind, parentText(&a.AncestorRef)), a.Conditions)
		}
	}
	for _, name := range inOrder(s.VirtualKeys) {
		k := s.VirtualKeys[name]
		out = append(out, fmt.Sprintf("key %s is %s in %s rotation %q", name, k.KeyID, k.SecretName, k.Rotation))
		say("key "+name.String(), k.Conditions)
	}
	return slices.Clip(out)
}
