package caller_test

import (
	"reflect"
	"testing"

	"tollgate/internal/caller"
)

// only allows one model.
type only string

func (o only) Allow(model string) bool { return model == string(o) }
func (o only) Deny(model string) bool  { return model == "denied" }

func (o only) List(dst []string, configured string) []string {
	if configured == "*" {
		return append(dst, string(o))
	}
	return dst
}

func TestModels(t *testing.T) {
	for name, tt := range map[string]struct {
		caller *caller.Caller
		mayUse bool
		listed []string
	}{
		"anonymous":     {caller.Anonymous, true, []string{"first", "*"}},
		"no constraint": {&caller.Caller{Models: only("b")}, true, []string{"first", "*"}},
		"the model":     {&caller.Caller{Models: only("a"), ModelsSet: true}, true, []string{"first", "a"}},
		"another model": {&caller.Caller{Models: only("b"), ModelsSet: true}, false, []string{"first", "b"}},
		"nothing":       {&caller.Caller{ModelsSet: true}, false, []string{"first"}},
	} {
		if got := tt.caller.MayUse("a"); got != tt.mayUse {
			t.Errorf("%s: MayUse = %v", name, got)
		}
		constrained := tt.caller.ModelsSet && tt.caller.Models != nil
		if !tt.caller.MayReach("a") || tt.caller.MayReach("denied") == constrained {
			t.Errorf("%s: MayReach is wrong", name)
		}
		if got := tt.caller.ListModels([]string{"first"}, "*"); !reflect.DeepEqual(got, tt.listed) {
			t.Errorf("%s: listed %q, want %q", name, got, tt.listed)
		}
	}
}
