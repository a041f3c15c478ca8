package routing

import (
	"math/rand/v2"
	"regexp"
	"testing"
	"time"
)

type fakeRequest struct {
	host, method, path string
	headers, query     map[string]string
}

func (f fakeRequest) Host() string   { return f.host }
func (f fakeRequest) Method() string { return f.method }
func (f fakeRequest) Path() string   { return f.path }
func (f fakeRequest) HeaderValue(n string) (string, bool) {
	v, ok := f.headers[n]
	return v, ok
}
func (f fakeRequest) QueryValue(n string) (string, bool) {
	v, ok := f.query[n]
	return v, ok
}

func prefix(p string) Match { return Match{Path: Path{Kind: PathPrefix, Value: p}} }
func exact(p string) Match  { return Match{Path: Path{Kind: PathExact, Value: p}} }

func TestPrecedence(t *testing.T) {
	with := func(m Match, change func(*Match)) Match { change(&m); return m }
	table := NewTable([]Entry[string]{
		{Match: prefix("/"), Route: "catch all"},
		{Match: prefix("/v1"), Route: "v1"},
		{Match: prefix("/v1/chat"), Route: "v1 chat"},
		{Match: exact("/v1/chat"), Route: "exactly v1 chat"},
		{Match: with(prefix("/v1"), func(m *Match) { m.Method = "DELETE" }), Route: "deleting"},
		{Match: with(prefix("/v1"), func(m *Match) { m.Headers = []Condition{{Name: "x-team", Exact: "red"}} }), Route: "red team"},
		{Match: with(prefix("/v1"), func(m *Match) {
			m.Headers = []Condition{{Name: "x-team", Exact: "red"}, {Name: "x-env", Regex: regexp.MustCompile("^(?:prod.*)$")}}
		}), Route: "red team in production"},
		{Match: with(prefix("/v1"), func(m *Match) { m.Query = []Condition{{Name: "debug", Exact: "1"}} }), Route: "debugging"},
		{Match: Match{Path: Path{Kind: PathRegex, Value: "/m/[0-9]+", Regex: regexp.MustCompile("^(?:/m/[0-9]+)$")}}, Route: "numbered"},
		{Hostname: "api.example.com", Match: prefix("/"), Route: "api host"},
		{Hostname: "*.example.com", Match: prefix("/v1/chat"), Route: "any example host"},
		{Match: prefix("/v1"), Route: "v1 again"},
	})
	for _, c := range []struct {
		name    string
		request fakeRequest
		want    string
	}{
		{"nothing better", fakeRequest{path: "/v2"}, "catch all"},
		{"first of equals", fakeRequest{path: "/v1/x"}, "v1"},
		{"longest prefix", fakeRequest{path: "/v1/chat/completions"}, "v1 chat"},
		{"exact before prefix", fakeRequest{path: "/v1/chat"}, "exactly v1 chat"},
		{"a segment is whole", fakeRequest{path: "/v10"}, "catch all"},
		{"method", fakeRequest{path: "/v1/x", method: "DELETE"}, "deleting"},
		{"header", fakeRequest{path: "/v1/x", headers: map[string]string{"x-team": "red"}}, "red team"},
		{"more headers", fakeRequest{path: "/v1/x", headers: map[string]string{"x-team": "red", "x-env": "prod-eu"}}, "red team in production"},
		{"regex is of the whole value", fakeRequest{path: "/v1/x", headers: map[string]string{"x-team": "red", "x-env": "preprod"}}, "red team"},
		{"query", fakeRequest{path: "/v1/x", query: map[string]string{"debug": "1"}}, "debugging"},
		{"path regex", fakeRequest{path: "/m/17"}, "numbered"},
		{"a slash behind a prefix", fakeRequest{path: "/v1/"}, "v1"},
		{"no slash behind a prefix", fakeRequest{path: "/v1"}, "v1"},
		{"a slash behind an exact path", fakeRequest{path: "/v1/chat/"}, "v1 chat"},
		{"method before headers", fakeRequest{path: "/v1/x", method: "DELETE", headers: map[string]string{"x-team": "red"}}, "deleting"},
		{"headers before query", fakeRequest{path: "/v1/x", headers: map[string]string{"x-team": "red"}, query: map[string]string{"debug": "1"}}, "red team"},
		{"path regex fails", fakeRequest{path: "/m/17/x"}, "catch all"},
		{"exact host before any path", fakeRequest{host: "api.example.com", path: "/v1/chat"}, "api host"},
		{"wildcard host", fakeRequest{host: "b.example.com", path: "/v1/chat"}, "any example host"},
		{"wildcard of several labels", fakeRequest{host: "c.b.example.com", path: "/v1/chat"}, "any example host"},
		{"wildcard needs a label", fakeRequest{host: "example.com", path: "/v1/chat"}, "exactly v1 chat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, ok := table.Find(c.request)
			if !ok || got != c.want {
				t.Errorf("route %q, want %q", got, c.want)
			}
		})
	}
	if _, _, ok := NewTable([]Entry[string]{{Match: prefix("/a")}}).Find(fakeRequest{path: "/b"}); ok {
		t.Error("a route was found for a path that none matches")
	}
}

func TestReplacePathPrefix(t *testing.T) {
	for _, c := range []struct{ path, prefix, with, want string }{
		{"/openai/v1/chat", "/openai", "/", "/v1/chat"},
		{"/openai/v1/chat", "/openai", "/x", "/x/v1/chat"},
		{"/openai/v1/chat", "/openai/", "/x/", "/x/v1/chat"},
		{"/openai", "/openai", "/x", "/x"},
		{"/openai", "/openai", "/", "/"},
		{"/a", "/", "/x", "/x/a"},
		{"/", "/", "/x", "/x/"},
		// The table in the documentation of ReplacePrefixMatch.
		{"/foo/bar", "/foo", "/xyz", "/xyz/bar"},
		{"/foo/bar", "/foo", "/xyz/", "/xyz/bar"},
		{"/foo/bar", "/foo/", "/xyz", "/xyz/bar"},
		{"/foo/bar", "/foo/", "/xyz/", "/xyz/bar"},
		{"/foo", "/foo", "/xyz", "/xyz"},
		{"/foo/", "/foo", "/xyz", "/xyz/"},
		{"/foo/bar", "/foo", "", "/bar"},
		{"/foo/", "/foo", "", "/"},
		{"/foo", "/foo", "", "/"},
		{"/foo/", "/foo", "/", "/"},
		{"/foo", "/foo", "/", "/"},
	} {
		if got := ReplacePathPrefix(c.path, c.prefix, c.with); got != c.want {
			t.Errorf("ReplacePathPrefix(%q, %q, %q) = %q, want %q", c.path, c.prefix, c.with, got, c.want)
		}
	}
}

type target struct {
	name   string
	health *Health
}

func (t target) Condition() *Health { return t.health }

func names(ts []target) (s string) {
	for _, t := range ts {
		s += t.name
	}
	return s
}

func TestOrder(t *testing.T) {
	now := time.Unix(1_000, 0)
	a, b, c := target{"a", &Health{}}, target{"b", &Health{}}, target{"c", &Health{}}
	groups := [][]target{{a}, {b}, {c}}
	random := rand.New(rand.NewPCG(1, 2))
	if got := names(Order(nil, groups, now, random)); got != "abc" {
		t.Fatalf("order %s, want the groups in order", got)
	}
	a.health.Fail(Failure{At: now}, 0, DefaultCooling)
	if got := names(Order(nil, groups, now, random)); got != "bca" {
		t.Errorf("order %s: one that cools down comes last, not never", got)
	}
	if got := names(Order(nil, groups, now.Add(3*time.Second), random)); got != "abc" {
		t.Errorf("order %s: after its time a target is back in its place", got)
	}
	seen := map[string]bool{}
	for range 200 {
		seen[names(Order(nil, [][]target{{b, c}}, now, random))] = true
	}
	if !seen["bc"] || !seen["cb"] {
		t.Errorf("equal targets of a group came as %v, want both orders", seen)
	}
	b.health.Succeed(now, time.Second)
	for range 50 {
		if got := names(Order(nil, [][]target{{b, c}}, now, random)); got != "cb" {
			t.Fatalf("order %s: the quicker of two goes first", got)
		}
	}
}

func TestCooling(t *testing.T) {
	now := time.Unix(1_000, 0)
	policy := Cooling{Failures: 2, Base: 10 * time.Second, Max: 25 * time.Second}
	h := &Health{}
	away := func(d time.Duration) bool { return !h.Available(now.Add(d)) }
	h.Fail(Failure{At: now}, 0, policy)
	if away(0) {
		t.Fatal("one failure of two sent the target off")
	}
	h.Fail(Failure{At: now}, 0, policy)
	if !away(10*time.Second-1) || away(10*time.Second) {
		t.Error("the first time away is Base")
	}
	h.Fail(Failure{At: now}, 0, policy)
	if !away(20*time.Second-1) || away(20*time.Second) {
		t.Error("the second time away is twice Base")
	}
	h.Fail(Failure{At: now}, 0, policy)
	if !away(25*time.Second-1) || away(25*time.Second) {
		t.Error("no time away is longer than Max")
	}
	h.Fail(Failure{At: now}, 4*time.Second, policy)
	if !away(4*time.Second-1) || away(4*time.Second) {
		t.Error("the provider's own wish goes before Base")
	}
	h.Fail(Failure{At: now}, time.Hour, policy)
	if away(25 * time.Second) {
		t.Error("the provider's wish is bounded by Max")
	}
	h.Succeed(now, time.Millisecond)
	if away(0) {
		t.Error("a success ends the cool-down")
	}
	h.Fail(Failure{At: now}, 0, policy)
	if away(0) {
		t.Error("failures are counted in a row: a success starts the count anew")
	}
}

func TestRegistryKeepsHealthAcrossReloads(t *testing.T) {
	r := NewRegistry()
	h := r.Health("a")
	if r.Health("a") != h {
		t.Error("the same target got another Health")
	}
	r.Health("b")
	r.Keep(map[string]bool{"a": true})
	if r.Health("a") != h {
		t.Error("a kept target was forgotten")
	}
	if len(r.all) != 1 {
		t.Errorf("%d targets are remembered, want only those in use", len(r.all))
	}
}

func TestWeighted(t *testing.T) {
	weights := []int{1, 0, 3}
	count := map[int]int{}
	for i := range 400 {
		count[Weighted(weights, float64(i)/400)]++
	}
	if count[0] != 100 || count[1] != 0 || count[2] != 300 {
		t.Errorf("picked %v, want 100 to 0 to 300", count)
	}
	if Weighted([]int{0, 0}, 0.5) != -1 {
		t.Error("a target of weight 0 was picked")
	}
}

func TestHealthyTargetAllocatesNothing(t *testing.T) {
	groups := [][]target{{{"a", &Health{}}}}
	dst := make([]target, 0, 4)
	now := time.Unix(1, 0)
	if n := testing.AllocsPerRun(100, func() { dst = Order(dst[:0], groups, now, nil) }); n != 0 {
		t.Errorf("%v allocations for one healthy target", n)
	}
}
