package control_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/control"
	"tollgate/internal/routing"
)

// ptr gives a pointer to a value.
func ptr[T any](v T) *T { return &v }

func TestProviders(t *testing.T) {
	e := newEstate(t, nil)
	if none := must[*admin.ProviderList](t)(e.Providers(t.Context(), root)); none.Providers == nil || len(none.Providers) != 0 {
		t.Errorf("none: %+v", none)
	}
	e.credential("spare")
	e.credential("main")
	failed := &routing.Failure{At: noon.Add(-time.Second), Err: errors.New("connect: refused")}
	e.plane.upstreams = []control.Upstream{
		{Provider: "openAI", Backend: "gpt-*", Host: "api.openai.com", Names: []string{"gpt-*", "smart"}, Experience: routing.Experience{
			State: routing.Healthy, Latency: 1500 * time.Millisecond, Requests: 7, Failed: 1, Last: &routing.Failure{At: noon.Add(-time.Hour), Status: 503},
		}},
		{Provider: "anthropic", Backend: "claude", Host: "localhost:9", Model: "claude-5", Route: "default/r", Names: []string{"*"}, Experience: routing.Experience{
			State: routing.Resting, Until: noon.Add(time.Minute), Failures: 3, Requests: 3, Failed: 3, Last: failed,
		}},
		{Provider: "openai", Backend: "smart", Host: "eu.example.com", Names: []string{"smart"}, Experience: routing.Experience{State: routing.Unknown}},
	}
	got := must[*admin.ProviderList](t)(e.Providers(t.Context(), root)).Providers
	want := []admin.Provider{{
		Name: "anthropic", DefaultHost: "api.anthropic.com", Credentials: []string{}, Models: []string{"*"},
		Targets: []admin.ProviderTarget{{
			Backend: "claude", Host: "localhost:9", Model: "claude-5", Route: "default/r", State: "resting", RestsUntil: ptr(noon.Add(time.Minute)), Failures: 3,
			Requests: 3, Failed: 3, LastError: "connect: refused", LastErrorAt: ptr(noon.Add(-time.Second)),
		}},
	}, {
		Name: "openai", DefaultHost: "api.openai.com", Credentials: []string{"main", "spare"}, Models: []string{"gpt-*", "smart"},
		Targets: []admin.ProviderTarget{{
			Backend: "gpt-*", Host: "api.openai.com", State: "healthy", Latency: 1.5, Requests: 7, Failed: 1,
			LastError: "answered with status 503", LastErrorAt: ptr(noon.Add(-time.Hour)),
		}, {Backend: "smart", Host: "eu.example.com", State: "unknown"}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	e.plane.upstreams = nil
	if got := must[*admin.ProviderList](t)(e.Providers(t.Context(), root)).Providers; len(got) != 1 || got[0].Name != "openai" || got[0].Targets == nil {
		t.Errorf("a provider with nothing but credentials: %+v", got)
	}
}

func TestTheOverviewNamesProvidersThatRest(t *testing.T) {
	e := newEstate(t, nil)
	resting := func(provider string, until time.Duration, last *routing.Failure) control.Upstream {
		return control.Upstream{Provider: provider, Experience: routing.Experience{State: routing.Resting, Until: noon.Add(until), Last: last}}
	}
	e.plane.upstreams = []control.Upstream{
		resting("openAI", time.Minute, &routing.Failure{At: noon.Add(-time.Minute), Status: 500}),
		resting("anthropic", time.Second, &routing.Failure{At: noon, Status: 429}),
		resting("openai", 30*time.Second, &routing.Failure{At: noon, Status: 503}),
		resting("groq", time.Second, nil),
		{Provider: "groq", Experience: routing.Experience{State: routing.Failing}},
	}
	want := []string{
		"anthropic its only target rests until 2026-10-14T12:00:01Z; the last error: answered with status 429",
		"openai all of its 2 targets rest until 2026-10-14T12:00:30Z; the last error: answered with status 503",
	}
	if got := attention(e.overview(), "provider_resting"); !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}
