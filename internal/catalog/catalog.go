package catalog

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Catalog is an immutable stack of price lists. It is safe for concurrent use.
type Catalog struct {
	layers []*Layer
	resold map[string][]string // by provider: those whose models it has at their prices
	seed   maphash.Seed
	found  [cacheSize]atomic.Pointer[finding]
}

// cacheSize bounds what is remembered of names that were looked up: a name has
// one place, and a new one takes the place of the old.
const cacheSize = 1 << 12

// maxName bounds the names that are looked up: no model has a longer one.
const maxName = 256

// finding is the answer to one name; a nil model is an answer too.
type finding struct {
	provider, name string
	model          *Model
}

// New stacks layers, the first undermost.
func New(layers ...*Layer) *Catalog {
	c := &Catalog{layers: slices.Clone(layers), resold: map[string][]string{}, seed: maphash.MakeSeed()}
	for _, l := range layers {
		for provider, b := range l.books {
			if b.fallback != nil {
				c.resold[provider] = b.fallback
			}
		}
	}
	return c
}

// Layers gives the origins of the price lists, the undermost first.
func (c *Catalog) Layers() []Origin {
	list := make([]Origin, len(c.layers))
	for i, l := range c.layers {
		list[i] = l.origin
	}
	return list
}

// Model gives what is known of the model that a provider calls name: its own
// entry, the entry whose rules match, or that of a provider whose models this
// one resells. It gives nil for a name that is in no list; what it gives may
// have limits and no price.
func (c *Catalog) Model(provider, name string) *Model {
	if name == "" || len(name) > maxName || len(provider) > maxName {
		return nil
	}
	place := &c.found[(maphash.String(c.seed, provider)*31+maphash.String(c.seed, name))%cacheSize]
	if f := place.Load(); f != nil && f.name == name && f.provider == provider {
		return f.model
	}
	f := &finding{strings.Clone(provider), strings.Clone(name), c.resolve(Provider(provider), name)}
	place.Store(f)
	return f.model
}

// resolve tries a name as it is, and again with its dates written with dashes.
func (c *Catalog) resolve(provider, name string) *Model {
	if provider == gemini || provider == vertex {
		name = name[strings.LastIndexByte(name, '/')+1:] // models/…, publishers/google/models/…
	}
	if m := c.merge(provider, name); m != nil {
		return m
	}
	if dashed := dashDates(name); dashed != name {
		return c.merge(provider, dashed)
	}
	return nil
}

// dashDates writes dates as in 20250514, between a dash and the end of a part
// of the name, as 2025-05-14.
func dashDates(name string) string {
	for i := 0; i+9 <= len(name); i++ {
		if name[i] != '-' || i+9 < len(name) && name[i+9] != '-' && name[i+9] != ':' {
			continue
		}
		if t, err := time.Parse("20060102", name[i+1:i+9]); err == nil && t.Year()/100 == 20 {
			return name[:i+1] + t.Format(time.DateOnly) + dashDates(name[i+9:])
		}
	}
	return name
}

// merge lays what the layers say of a name over each other, the undermost
// first. Where an entry was found by rule, what later layers say of that entry
// holds for the name as well, until one knows the name itself. Only a name that
// nobody knew so far is looked for with the providers that this one resells:
// what an operator pays one provider says nothing of another.
func (c *Catalog) merge(provider, name string) *Model {
	var d *draft
	lower, id := strings.ToLower(name), ""
	for _, l := range c.layers {
		e := l.find(provider, name, lower)
		if e != nil {
			id = strings.ToLower(e.id)
		} else if id != "" {
			e = l.exact(provider, id)
		}
		for i := 0; e == nil && d == nil && i < len(c.resold[provider]); i++ {
			if e = l.find(c.resold[provider][i], name, lower); e != nil {
				id = strings.ToLower(e.id)
			}
		}
		if e == nil {
			continue
		}
		if d == nil {
			d = &draft{provider: provider}
		}
		d.apply(e, l.origin)
	}
	if d == nil {
		return nil
	}
	for _, l := range c.layers {
		if b := l.books[provider]; b != nil {
			d.defaults(b, l.origin)
		}
	}
	return d.model()
}

// find gives the first of the names that has a price, else the first that is
// known, else nil.
func (c *Catalog) find(provider string, names []string, at int64) (*Model, *term) {
	var known *Model
	var first *term
	for _, name := range names {
		m := c.Model(provider, name)
		if m == nil {
			continue
		}
		t := m.at(at)
		if t.state != Unknown {
			return m, t
		}
		if known == nil {
			known, first = m, t
		}
	}
	return known, first
}

// All gives every model of every list by provider and id.
func (c *Catalog) All() iter.Seq[*Model] {
	return func(yield func(*Model) bool) {
		ids := map[string][]string{}
		for _, l := range c.layers {
			for provider, b := range l.books {
				for _, e := range b.entries {
					ids[provider] = append(ids[provider], strings.ToLower(e.id))
				}
			}
		}
		for _, p := range slices.Sorted(maps.Keys(ids)) {
			slices.Sort(ids[p])
			for _, id := range slices.Compact(ids[p]) {
				if m := c.merge(p, id); m != nil && !yield(m) {
					return
				}
			}
		}
	}
}
