package snapshot

import (
	"cmp"
	"slices"

	"tollgate/internal/catalog"
	"tollgate/internal/gateway"
)

// Callable is something that callers can name as a model, and what is behind it.
type Callable struct {
	Name    string // a name or a pattern
	Targets []Destination
}

// Destination is a provider, by its name in the price catalog, and the model that it
// is asked for; "" is the one that the caller named. As is the name that leads there in
// the gateway, where it is another one than the caller's: keys must allow it as well.
type Destination struct{ Provider, Model, As string }

// callable notes that a name leads to targets, once.
func (k *compiler) callable(name string, to ...Destination) {
	i := slices.IndexFunc(k.out.Callable, func(c Callable) bool { return c.Name == name })
	if i < 0 {
		i = len(k.out.Callable)
		k.out.Callable = append(k.out.Callable, Callable{Name: name})
	}
	c := &k.out.Callable[i]
	for _, d := range to {
		if !slices.Contains(c.Targets, d) {
			c.Targets = append(c.Targets, d)
		}
	}
}

// Reached is a target that the configuration has, and how callers get there.
type Reached struct {
	Target *gateway.Target
	Route  string   // that it stands in; "" for a model of llm.models
	Names  []string // or patterns, each once; none for a model that nothing leads to
}

// reached notes that a name leads to a target.
func (k *compiler) reached(name string, t *gateway.Target) {
	if r := k.reach[t]; r != nil && !slices.Contains(r.Names, name) {
		r.Names = append(r.Names, name)
	}
}

// destination is where a target goes by another name than the caller's; "" is by that.
func destination(t *gateway.Target, as string) Destination {
	return Destination{catalog.Provider(t.Provider), cmp.Or(t.Model, as), as}
}

// callableModels notes the names of a model router.
func (k *compiler) callableModels(models *gateway.Models) {
	for _, l := range models.Listed {
		if l.Entry != nil {
			k.callable(l.Name, destination(l.Entry.Target, ""))
			k.reached(l.Name, l.Entry.Target)
			continue
		}
		v := models.Virtual[l.Name]
		for _, t := range slices.Concat(slices.Concat(v.Failover...), v.Weighted, v.Conditional) {
			if t.Entry != nil {
				k.callable(l.Name, destination(t.Entry.Target, t.Model))
				k.reached(l.Name, t.Entry.Target)
			}
		}
	}
}

// callableRoute notes what a route without a model router serves: every name, and
// the other names that it gives to models.
func (k *compiler) callableRoute(r *gateway.Route) {
	for _, b := range r.Backends {
		if b.Plain != nil {
			continue // no models are there
		}
		for _, c := range slices.Concat(b.Groups...) {
			k.callable("*", destination(c.Target, ""))
			k.reached("*", c.Target)
			if r.AI == nil {
				continue
			}
			for _, a := range r.AI.Aliases {
				k.callable(a.Pattern.String(), destination(c.Target, a.Model))
				k.reached(a.Pattern.String(), c.Target)
			}
		}
	}
}
