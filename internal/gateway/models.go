package gateway

import (
	"math/rand/v2"
	"strconv"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/routing"
)

// resolve finds the targets behind a model name: a virtual model's first, then
// the first concrete entry that matches and that the caller is authorized for.
func (m *Models) resolve(x *exchange) ([][]Choice, error) {
	name := x.modelWanted()
	if v := m.Virtual[name]; v != nil {
		return v.choose(x)
	}
	matched := false
	for _, entry := range m.Entries {
		if entry.Internal || !entry.Pattern.Match(name) || !entry.applies(x) {
			continue
		}
		if name == "" && x.Operation == dialect.Passthrough && entry.Target.Model == "" {
			break // what is asked for nobody knows: it could be anything
		}
		matched = true
		if entry.permits(x) {
			x.single[0] = Choice{Target: entry.Target}
			return x.singles(), nil
		}
	}
	switch {
	case matched:
		return nil, &fault.Error{Kind: fault.Forbidden, Code: "model_authorization_denied", Reason: "Authorization", Retry: fault.RetryNo,
			Message: "The authorization rules of this model do not allow this request.", Param: "model"}
	case name == "":
		return nil, missingModel()
	default:
		return nil, modelNotFound(name)
	}
}

func modelNotFound(name string) *fault.Error {
	return &fault.Error{Kind: fault.NotFound, Code: "model_not_found", Param: "model", Retry: fault.RetryNo, Reason: "NotFound",
		Message: "The model " + strconv.Quote(name) + " is not served here. GET /v1/models lists what this key may use.",
		Plain:   "Model not found"}
}

// applies tells whether the entry's header conditions hold.
func (m *Model) applies(x *exchange) bool {
	if len(m.Headers) == 0 {
		return true
	}
	for _, all := range m.Headers {
		if routing.All(all, x.subject.HeaderValue) {
			return true
		}
	}
	return false
}

// permits tells whether the entry's authorization rules allow this request.
func (m *Model) permits(x *exchange) bool {
	return m.Rules == nil || m.Rules.Allow(x.expressionInput())
}

// choose gives the groups of targets of a virtual model.
func (v *Virtual) choose(x *exchange) ([][]Choice, error) {
	switch {
	case len(v.Weighted) > 0:
		weights := make([]int, len(v.Weighted))
		for i := range v.Weighted {
			weights[i] = v.Weighted[i].Weight
		}
		i := routing.Weighted(weights, rand.Float64())
		if i < 0 {
			return nil, unresolved("Every target of this virtual model has the weight 0.")
		}
		return v.groups(x, [][]VirtualTarget{v.Weighted[i : i+1]})
	case len(v.Failover) > 0:
		return v.groups(x, v.Failover)
	default:
		for i := range v.Conditional {
			t := &v.Conditional[i]
			if t.When != nil {
				if ok, err := t.When.Bool(x.expressionInput()); err != nil || !ok {
					continue
				}
			}
			return v.groups(x, [][]VirtualTarget{v.Conditional[i : i+1]})
		}
		return nil, &fault.Error{Kind: fault.Invalid, Code: "virtual_model_no_matching_target", Param: "model",
			Message: "No condition of this virtual model holds for this request."}
	}
}

func unresolved(message string) *fault.Error {
	return &fault.Error{Kind: fault.NotFound, Code: "virtual_model_not_resolved", Param: "model", Message: message}
}

// groups turns virtual targets into choices, leaving out those that the caller
// may not use; if that leaves none, the refusal says so.
func (v *Virtual) groups(x *exchange, from [][]VirtualTarget) ([][]Choice, error) {
	var refusal error
	groups := make([][]Choice, 0, len(from))
	for _, targets := range from {
		group := make([]Choice, 0, len(targets))
		for i := range targets {
			t := &targets[i]
			if err := x.mayReach(t); err != nil {
				refusal = err
				continue
			}
			group = append(group, Choice{Target: t.Entry.Target, As: t.Model})
		}
		groups = append(groups, group)
	}
	for _, g := range groups {
		if len(g) > 0 {
			return groups, nil
		}
	}
	return nil, refusal
}

// mayReach checks what stands behind a virtual model: an alias must not open
// what the key or the model's own rules close.
func (x *exchange) mayReach(t *VirtualTarget) error {
	if !x.snap.Plain {
		if err := x.mayUse(t.Model, x.ModelAsked); err != nil {
			return err
		}
	}
	if !t.Entry.permits(x) {
		return &fault.Error{Kind: fault.Forbidden, Code: "model_authorization_denied", Reason: "Authorization", Retry: fault.RetryNo,
			Message: "The authorization rules of this model do not allow this request.", Param: "model"}
	}
	return nil
}

// singles gives the one group with the one choice of an ordinary model, in
// memory that belongs to the exchange.
func (x *exchange) singles() [][]Choice {
	x.groups[0] = x.single[:1]
	return x.groups[:1]
}
