package manifest

import (
	"net/http"
	"slices"

	"tollgate/internal/config"
)

// settle says the statuses of backends that no route refers to, of policies and of virtual
// keys. It comes after all routes.
func (k *compilation) settle() {
	for _, b := range oldestFirst(k.objects.Backends) {
		k.kgatewayBackend(b)
	}
	for _, b := range oldestFirst(k.objects.AIBackends) {
		k.agentgatewayBackend(b)
	}
	k.keys()
	k.policyStatuses()
}

// settleRule makes a rule on a listener answer with an error where policies do not let it be
// served, and settles what its backends say about the requests as a whole. passthrough is
// that of rulePolicies, whose result out has.
func (k *compilation) settleRule(at attachment, passthrough bool, out *config.Route) {
	if out.Unserved == "" {
		k.refuseByPolicy(at, passthrough, out)
	}
	if plain(out.Backends) {
		if a := k.asks(at, k.policiesOf(at)); !a.said {
			// Where no model is called and nobody asked for keys, credentials are a matter of
			// the caller and the service alone: also several of them.
			out.Policies.APIKey = nil
		}
	}
	if out.Unserved == "" {
		out.Backends = slices.Clone(out.Backends) // other listeners have the same
		liftAI(out)
		withoutCredential(out)
	}
}

// plain tells whether all backends are plain HTTP services.
func plain(backends []config.RouteBackend) bool {
	for i := range backends {
		if len(backends[i].Endpoints) == 0 {
			return false
		}
	}
	return len(backends) > 0
}

// refuseByPolicy refuses what a policy would let pass that cannot be served.
func (k *compilation) refuseByPolicy(at attachment, passthrough bool, out *config.Route) {
	set := k.policiesOf(at)
	wrong, missing := set.backend.fault()
	wrong = set.guard.or(wrong)
	a := k.asks(at, set)
	clash := fault{}
	if passesOn(set, passthrough) {
		clash = a.clash()
	}
	switch {
	case !clash.none():
		out.Unserved, out.Status = "Virtual keys cannot be looked for where the provider's own credential stands.", http.StatusInternalServerError
		message := refOf("HTTPRoute", at.route).String() + ": " + clash.message
		k.warn("%s asks for it: %s", a.by, message)
		if a.ring != nil && a.ring.from.ref.String() == a.by {
			a.ring.from.refused.add(fault{clash.reason, message})
		}
	case !wrong.none():
		out.Unserved, out.Status = "A policy of this route cannot be served. Its conditions say more.", http.StatusInternalServerError
	case !missing.none():
		out.Unserved, out.Status = "A policy of this route needs something that is not there. Its conditions say more.", http.StatusServiceUnavailable
	default:
		return
	}
	out.Backends = nil
}

// liftAI moves what backends say about names, operations and messages of requests to the
// rule: it is settled before one of several is chosen, so those that say something else than
// the first cannot be served beside it.
func liftAI(out *config.Route) {
	var shape *config.AI
	for i := range out.Backends {
		b := &out.Backends[i]
		if b.AI == nil || b.Unserved != "" {
			continue
		}
		own := b.Policies.AI
		if own == nil {
			own = out.Policies.AI
		}
		if shape == nil {
			shape = shapeOf(own)
		}
		if !sameShape(shape, shapeOf(own)) {
			b.AI, b.Unserved = nil, "The backends of this rule have different routes, modelAliases or prompts. Give all of them the same."
			b.Status = http.StatusInternalServerError
			continue
		}
		if a := b.Policies.AI; a != nil {
			b.Policies.AI = &config.AI{At: a.At, Defaults: a.Defaults, Overrides: a.Overrides}
		}
	}
	if shape == nil {
		return
	}
	if sameShape(shape, &config.AI{}) && out.Policies.AI == nil {
		return
	}
	if rule := out.Policies.AI; rule != nil {
		// What the rule says of bodies holds for the backends that say nothing themselves.
		for i := range out.Backends {
			if b := &out.Backends[i]; b.AI != nil && b.Policies.AI == nil {
				b.Policies.AI = &config.AI{At: rule.At, Defaults: rule.Defaults, Overrides: rule.Overrides}
			}
		}
	}
	out.Policies.AI = shape
}

// withoutCredential says of providers that nobody has a credential for that they get none:
// the caller's own is not for whoever happens to stand there.
func withoutCredential(out *config.Route) {
	if out.Policies.BackendAuth != nil {
		return
	}
	for i := range out.Backends {
		b := &out.Backends[i]
		if b.Policies.BackendAuth != nil {
			continue
		}
		b.AI = eachProvider(b.AI, func(p *config.BackendPolicies) {
			if p.BackendAuth == nil {
				p.BackendAuth = &config.BackendAuth{At: b.At, None: true}
			}
		})
	}
}
