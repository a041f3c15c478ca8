package manifest_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/gateway-api/pkg/features"

	"tollgate/internal/kube/manifest"
	"tollgate/internal/routing"
	"tollgate/internal/snapshot"
)

// TestCompile compiles the objects of each file in testdata/gatewayapi, together with those
// of testdata/stage.yaml. A file has these sections, all but objects may be missing:
//
//	settings   one on each line, beside those that settingsOf begins with
//	base       a configuration file that comes along
//	objects    YAML
//	gateways   the gateways of the configuration
//	routes     the routes of the configuration, in their order
//	requests   requests, each as method, port, host, target and headers, with what takes them
//	status     beginnings of lines that the statuses have; with ! in front: have not
//	warnings   parts of the warnings
func TestCompile(t *testing.T) {
	files, err := filepath.Glob("testdata/gatewayapi/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a := scene(t, file)
			for name := range a.sections {
				if !slices.Contains([]string{"settings", "base", "objects", "gateways", "routes", "requests", "status", "warnings"}, name) {
					t.Fatalf("no section is called %s", name)
				}
			}
			result := manifest.Compile(baseOf(t, a.sections["base"]), a.objects, a.settings)
			if want, ok := a.sections["gateways"]; ok {
				same(t, "gateways", gatewayLines(result.Config), want)
			}
			if want, ok := a.sections["routes"]; ok {
				same(t, "routes", routeLines(result.Config), want)
			}
			got := statusLines(&result.Statuses)
			for _, want := range lines(a.sections["status"]) {
				begins := func(line string) bool { return strings.HasPrefix(line, strings.TrimPrefix(want, "!")) }
				if slices.ContainsFunc(got, begins) == strings.HasPrefix(want, "!") {
					t.Errorf("status %q in\n%s", want, strings.Join(got, "\n"))
				}
			}
			warnings := strings.Join(result.Warnings, "\n")
			for _, want := range lines(a.sections["warnings"]) {
				if !strings.Contains(warnings, want) {
					t.Errorf("no warning %q in\n%s", want, warnings)
				}
			}
			compiled := inForce(t, result.Config)
			for _, line := range lines(a.sections["requests"]) {
				text, want, _ := strings.Cut(line, " => ")
				if got := taker(t, compiled, text); got != want {
					t.Errorf("%s is taken by %s, should be %s", text, got, want)
				}
			}
		})
	}
}

// act is what is compiled in a test.
type act struct {
	objects  *manifest.Objects
	settings manifest.Settings
	sections map[string]string
}

func scene(t *testing.T, file string) act {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := act{objects: stage(t), sections: map[string]string{}}
	for _, f := range archive.Files {
		a.sections[f.Name] = string(f.Data)
	}
	read(t, a.objects, a.sections["objects"])
	for _, line := range lines(a.sections["rules"]) {
		read(t, a.objects, ruleObject(line))
	}
	a.settings = settingsOf(t, a.sections["settings"])
	return a
}

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func same(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if !slices.Equal(got, lines(want)) {
		t.Errorf("%s are\n%s\nand should be\n%s", what, strings.Join(got, "\n"), want)
	}
}

// request is a request as far as routing sees it.
type request struct {
	method, port, host string
	target             *url.URL
	header             http.Header
}

func (r *request) Host() string   { return r.host }
func (r *request) Method() string { return r.method }
func (r *request) Path() string   { return r.target.Path }

func (r *request) HeaderValue(name string) (string, bool) {
	v, ok := r.header[http.CanonicalHeaderKey(name)]
	return strings.Join(v, ","), ok
}

func (r *request) QueryValue(name string) (string, bool) {
	v, ok := r.target.Query()[name]
	return strings.Join(v, ","), ok
}

// parse reads a request: method, port, host, target, and headers.
func parse(t *testing.T, text string) *request {
	t.Helper()
	words := strings.Fields(text)
	target, err := url.Parse(words[3])
	if err != nil {
		t.Fatal(err)
	}
	r := &request{words[0], words[1], words[2], target, http.Header{}}
	for _, line := range words[4:] {
		name, value, _ := strings.Cut(line, "=")
		r.header.Set(name, value)
	}
	return r
}

// taker gives the route and the rule that take a request, or what is there instead.
func taker(t *testing.T, c *snapshot.Compiled, text string) string {
	t.Helper()
	r := parse(t, text)
	for address, b := range c.Snapshot.Binds {
		if !strings.HasSuffix(address, ":"+r.port) {
			continue
		}
		for _, l := range b.Listeners {
			if !routing.HostMatches(l.Hostname, r.host) {
				continue
			}
			route, _, ok := l.Routes.Find(r)
			if !ok {
				return "no route of " + l.Place.Listener
			}
			return route.Place.Route + " " + route.Place.RouteRule
		}
		return "no listener"
	}
	return "no port"
}

// TestBundle tells which versions of the Gateway API are known. The others are served too.
func TestBundle(t *testing.T) {
	for bundle, want := range map[string]string{
		"v1.6.3": "=True SupportedVersion", "v1.5.0": "=True SupportedVersion", "v1.6.0-rc.1": "=True SupportedVersion",
		"v1.7.0": "=False UnsupportedVersion: The Gateway API is installed as v1.7.0", "v1.4.1": "=False UnsupportedVersion", "v1.60.0": "=False UnsupportedVersion",
		"": "=False UnsupportedVersion: The definitions of the Gateway API do not say their version",
	} {
		o := stage(t)
		o.Bundle = bundle
		result := manifest.Compile(defaults(t), o, settingsOf(t, ""))
		got := strings.Join(statusLines(&result.Statuses), "\n")
		if !strings.Contains(got, "class tollgate SupportedVersion"+want) || !strings.Contains(got, "gateway infra/gw Programmed=True") {
			t.Errorf("%q:\n%s", bundle, got)
		}
	}
}

// TestSupportedFeatures compares what classes say with what the Gateway API asks for at least.
func TestSupportedFeatures(t *testing.T) {
	result := manifest.Compile(defaults(t), stage(t), settingsOf(t, ""))
	var names []features.FeatureName
	for _, f := range result.Statuses.Classes["tollgate"].SupportedFeatures {
		names = append(names, features.FeatureName(f.Name))
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not in order, or given twice: %v", names)
	}
	known := features.AllFeatures.UnsortedList()
	for _, name := range names {
		if !slices.ContainsFunc(known, func(f features.Feature) bool { return f.Name == name }) {
			t.Errorf("the API has no feature %s", name)
		}
	}
	for _, f := range slices.Concat(features.GatewayCoreFeatures.UnsortedList(), features.HTTPRouteCoreFeatures.UnsortedList(), features.ReferenceGrantCoreFeatures.UnsortedList()) {
		if !slices.Contains(names, f.Name) {
			t.Errorf("%s is missing, which everybody has to serve", f.Name)
		}
	}
}

// TestNothing compiles nothing on top of nothing.
func TestNothing(t *testing.T) {
	result := manifest.Compile(nil, &manifest.Objects{}, manifest.Settings{})
	if len(result.Config.Gateways)+len(result.Config.Routes)+len(statusLines(&result.Statuses))+len(result.Warnings) > 0 {
		t.Errorf("%+v", result)
	}
}
