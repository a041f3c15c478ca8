package access_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/access"
	"tollgate/internal/caller"
	"tollgate/internal/expression"
)

var _ caller.Models = access.Patterns(nil)

func pattern(t testing.TB, s string) access.Pattern {
	t.Helper()
	p, err := access.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		exact   bool
		yes, no []string
	}{
		{"gpt-5", true, []string{"gpt-5"}, []string{"", "gpt-5o", "gpt-", "GPT-5", "xgpt-5"}},
		{"gpt-*", false, []string{"gpt-", "gpt-5"}, []string{"", "gpt", "xgpt-5", "Gpt-5"}},
		{"*-mini", false, []string{"-mini", "gpt-5-mini"}, []string{"", "mini", "gpt-5-mini-2"}},
		{"*", false, []string{"", "anything", "*"}, nil},
		{"ü*", false, []string{"übermodell"}, []string{"u"}},
	} {
		p := pattern(t, tt.pattern)
		if p.String() != tt.pattern || p.Exact() != tt.exact {
			t.Errorf("%q reads as %q, exact %v", tt.pattern, p, p.Exact())
		}
		for _, model := range tt.yes {
			if !p.Match(model) {
				t.Errorf("%q does not match %q", tt.pattern, model)
			}
		}
		for _, model := range tt.no {
			if p.Match(model) {
				t.Errorf("%q matches %q", tt.pattern, model)
			}
		}
	}
	if (access.Pattern{}).Match("") || (access.Pattern{}).Match("x") {
		t.Error("the zero pattern matches")
	}
}

func TestBadPatterns(t *testing.T) {
	for s, want := range map[string]string{"": "empty", "**": "more than one", "*a*": "more than one", "a*b": "in the middle", "a*b*": "more than one"} {
		if p, err := access.ParsePattern(s); err == nil || !strings.Contains(err.Error(), want) || p != (access.Pattern{}) {
			t.Errorf("ParsePattern(%q) = %v, %v; want %q", s, p, err, want)
		}
	}
	ps, err := access.ParsePatterns([]string{"ok", "", "a*b"})
	if ps != nil || err == nil || !strings.Contains(err.Error(), "[1]: ") || !strings.Contains(err.Error(), "[2]: ") || strings.Contains(err.Error(), "[0]") {
		t.Errorf("ParsePatterns = %v, %v", ps, err)
	}
}

func TestMoreLiteralCharactersComeFirst(t *testing.T) {
	var ps []access.Pattern
	for _, s := range []string{"*", "gpt-*", "*-mini", "gpt-5-mini", "b*", "*a", "gpt-5*"} {
		ps = append(ps, pattern(t, s))
	}
	slices.SortStableFunc(ps, access.Pattern.Compare)
	var got []string
	for _, p := range ps {
		got = append(got, p.String())
	}
	if want := []string{"gpt-5-mini", "*-mini", "gpt-5*", "gpt-*", "b*", "*a", "*"}; !reflect.DeepEqual(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestPatternsAllow(t *testing.T) {
	ps, err := access.ParsePatterns([]string{"gpt-4o-mini", "claude-*"})
	if err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]bool{"gpt-4o-mini": true, "claude-": true, "claude-5": true, "gpt-4o": false, "": false} {
		if ps.Allow(model) != want {
			t.Errorf("Allow(%q) = %v", model, !want)
		}
	}
	if none, err := access.ParsePatterns(nil); err != nil || none.Allow("x") || none.Allow("") {
		t.Error("an empty list allows something")
	}
}

func TestList(t *testing.T) {
	for _, tt := range []struct {
		configured string
		allowed    []string
		want       []string
	}{
		{"gpt-4o", []string{"*"}, []string{"gpt-4o"}},
		{"gpt-4o", []string{"gpt-4o", "gpt-*"}, []string{"gpt-4o"}},
		{"gpt-4o", []string{"gpt-5", "*-mini"}, nil},
		{"gpt-4o", nil, nil},
		{"*", []string{"gpt-4o-mini", "claude-*", "*-mini", "*"}, []string{"gpt-4o-mini", "claude-*", "*-mini", "*"}},
		{"gpt-*", []string{"*"}, []string{"gpt-*"}},
		{"gpt-*", []string{"gpt-4o", "claude-5", "gpt-5*", "g*", "claude-*"}, []string{"gpt-4o", "gpt-5*", "gpt-*"}},
		{"*-mini", []string{"gpt-4o-mini", "*-4o-mini", "*i", "*-nano"}, []string{"gpt-4o-mini", "*-4o-mini", "*-mini"}},
		{"gpt-*", []string{"*-mini"}, []string{"gpt-*-mini"}},
		{"*-mini", []string{"gpt-*"}, []string{"gpt-*-mini"}},
		{"a*b*", []string{"*"}, nil},
	} {
		ps, err := access.ParsePatterns(tt.allowed)
		if err != nil {
			t.Fatal(err)
		}
		if got := ps.List(nil, tt.configured); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q within %q: %q, want %q", tt.configured, tt.allowed, got, tt.want)
		}
	}
	// What an earlier entry of the configuration listed does not count as repetition here.
	if got := (access.Patterns{pattern(t, "*")}).List([]string{"a"}, "a"); !reflect.DeepEqual(got, []string{"a", "a"}) {
		t.Errorf("appended %q", got)
	}
	if got := (access.Patterns{{}}).List(nil, "*"); got != nil {
		t.Errorf("the zero pattern lists %q", got)
	}
}

// fixed is a condition with a known answer.
type fixed struct {
	yes bool
	err error
}

func (f fixed) Bool(*expression.Input) (bool, error) { return f.yes, f.err }

func TestRules(t *testing.T) {
	yes, no := fixed{yes: true}, fixed{}
	broken := fixed{yes: true, err: errors.New("absent")}
	rule := func(e access.Effect, c access.Condition) access.Rule { return access.Rule{Effect: e, Condition: c} }
	for name, tt := range map[string]struct {
		rules []access.Rule
		want  bool
	}{
		"none":                         {nil, true},
		"allow":                        {[]access.Rule{rule(access.Allow, yes)}, true},
		"allow not":                    {[]access.Rule{rule(access.Allow, no)}, false},
		"allow broken":                 {[]access.Rule{rule(access.Allow, broken)}, false},
		"any allow":                    {[]access.Rule{rule(access.Allow, no), rule(access.Allow, yes)}, true},
		"deny":                         {[]access.Rule{rule(access.Deny, yes)}, false},
		"deny not":                     {[]access.Rule{rule(access.Deny, no)}, true},
		"deny broken":                  {[]access.Rule{rule(access.Deny, broken)}, true},
		"any deny":                     {[]access.Rule{rule(access.Deny, no), rule(access.Deny, yes)}, false},
		"deny beats allow":             {[]access.Rule{rule(access.Allow, yes), rule(access.Deny, yes)}, false},
		"require":                      {[]access.Rule{rule(access.Require, yes)}, true},
		"require not":                  {[]access.Rule{rule(access.Require, no)}, false},
		"require broken":               {[]access.Rule{rule(access.Require, broken)}, false},
		"every require":                {[]access.Rule{rule(access.Require, yes), rule(access.Require, no)}, false},
		"require and allow":            {[]access.Rule{rule(access.Require, yes), rule(access.Allow, yes)}, true},
		"require without allow":        {[]access.Rule{rule(access.Require, yes), rule(access.Allow, no)}, false},
		"allow without require":        {[]access.Rule{rule(access.Require, no), rule(access.Allow, yes)}, false},
		"deny and require, no allow":   {[]access.Rule{rule(access.Deny, no), rule(access.Require, yes)}, true},
		"deny not, allow not, default": {[]access.Rule{rule(access.Deny, no), rule(access.Allow, no)}, false},
	} {
		if got := access.NewRules(tt.rules).Allow(&expression.Input{}); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRulesWithExpressions(t *testing.T) {
	p, err := expression.Compile(`apiKey.team == "payments"`)
	if err != nil {
		t.Fatal(err)
	}
	rules := access.NewRules([]access.Rule{{Effect: access.Allow, Condition: p}})
	in := &expression.Input{}
	if rules.Allow(in) {
		t.Error("somebody without a key is allowed")
	}
	in.Caller = &caller.Caller{KeyID: "key_x", Metadata: map[string]any{"team": "payments"}}
	if !rules.Allow(in) {
		t.Error("the right key is refused")
	}
}

func BenchmarkPatternsAllow(b *testing.B) {
	ps, err := access.ParsePatterns([]string{"gpt-4o", "gpt-5*", "*-mini", "claude-*"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		ps.Allow("claude-opus-5")
	}
}
