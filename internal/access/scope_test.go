package access_test

import (
	"reflect"
	"testing"

	"tollgate/internal/access"
	"tollgate/internal/caller"
)

var _ caller.Models = (*access.Scope)(nil)

func TestScope(t *testing.T) {
	for _, tt := range []struct {
		allow, deny []string
		yes, no     []string
	}{
		{nil, nil, []string{"gpt-5", ""}, nil},
		{[]string{}, nil, nil, []string{"gpt-5", ""}},
		{nil, []string{"*-pro", "o1"}, []string{"gpt-5", "o1-x"}, []string{"gpt-5-pro", "o1"}},
		{[]string{"gpt-*"}, []string{"gpt-4*"}, []string{"gpt-5"}, []string{"gpt-4o", "claude"}},
		{[]string{"gpt-5"}, []string{"*"}, nil, []string{"gpt-5"}},
	} {
		s, err := access.ParseScope(tt.allow, tt.deny)
		if err != nil {
			t.Fatal(err)
		}
		for _, model := range tt.yes {
			if !s.Allow(model) {
				t.Errorf("%q without %q refuses %q", tt.allow, tt.deny, model)
			}
		}
		for _, model := range tt.no {
			if s.Allow(model) {
				t.Errorf("%q without %q allows %q", tt.allow, tt.deny, model)
			}
		}
	}
	s, err := access.ParseScope([]string{"fast"}, []string{"gpt-4*"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Deny("gpt-5") || s.Deny("fast") || !s.Deny("gpt-4o") {
		t.Error("what is not allowed is denied, or what is denied is not")
	}
	for _, bad := range [][2][]string{{{"a*b"}, nil}, {nil, {""}}} {
		if _, err := access.ParseScope(bad[0], bad[1]); err == nil {
			t.Errorf("%q is a scope", bad)
		}
	}
}

// What is denied whole is not listed; of what is denied in part the rest is.
func TestListOfScope(t *testing.T) {
	for _, tt := range []struct {
		allow, deny []string
		configured  string
		want        []string
	}{
		{nil, nil, "gpt-*", []string{"x", "gpt-*"}},
		{nil, []string{"gpt-*"}, "gpt-5*", []string{"x"}},
		{nil, []string{"gpt-5*"}, "gpt-*", []string{"x", "gpt-*"}},
		{nil, []string{"gpt-5"}, "gpt-5*", []string{"x", "gpt-5*"}},
		{nil, []string{"*-pro"}, "*-5-pro", []string{"x"}},
		{nil, []string{"*-pro"}, "*", []string{"x", "*"}},
		{nil, []string{"*"}, "*", []string{"x"}},
		{nil, []string{"x"}, "gpt-5", []string{"x", "gpt-5"}}, // what was listed before stays
		{[]string{"gpt-5", "gpt-5-pro", "o*"}, []string{"*-pro"}, "*", []string{"x", "gpt-5", "o*"}},
		{[]string{"gpt-*"}, []string{"gpt-*"}, "*-mini", []string{"x"}},
		{[]string{"gpt-*"}, []string{"*-mini"}, "*-mini", []string{"x"}},
		{[]string{"gpt-*"}, []string{"*-nano"}, "*-mini", []string{"x", "gpt-*-mini"}},
		{[]string{}, nil, "*", []string{"x"}},
	} {
		s, err := access.ParseScope(tt.allow, tt.deny)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.List([]string{"x"}, tt.configured); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q within %q without %q: %q, want %q", tt.configured, tt.allow, tt.deny, got, tt.want)
		}
	}
}
