package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	keyID     = regexp.MustCompile(`^key_[0-9A-Za-z]{12}$`)
	limitID   = regexp.MustCompile(`^lim_[0-9A-Za-z]{12}$`)
	keyLabel  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)
	maxLimits = 32 // of one key: each costs every request a little
)

// apiKey checks what is said of one key, but for the key itself.
func (d *decoder) apiKey(k *APIKey) {
	if k.ID != "" && !keyID.MatchString(k.ID) {
		d.add(k.At.Child("id"), "leave it out to have one made", "must be key_ and 12 letters and digits")
	}
	if len(k.Name) > 128 {
		d.add(k.At.Child("name"), "", "is longer than 128 bytes")
	}
	if k.Labels != nil {
		for _, e := range *k.Labels {
			d.label(e.Name, e.At)
		}
	}
	d.scope(k)
	if k.Networks != nil {
		for i, text := range *k.Networks {
			d.network(text, k.At.Child("networks").Index(i))
		}
	}
	if n := len(k.Limits) + len(k.Budgets); n > maxLimits {
		d.add(k.At.Child("limits"), "a shared limit applies to many keys at once", "has %d limits; a key may have %d", n, maxLimits)
	}
	ids := map[string]bool{}
	for i := range k.Limits {
		l := &k.Limits[i]
		d.limit(l)
		if l.ID != "" && ids[l.ID] {
			d.add(l.At.Child("id"), "", "is the id of another limit of this key")
		}
		ids[l.ID] = true
	}
	names := map[string]bool{}
	for i := range k.Budgets {
		b := &k.Budgets[i]
		if b.Name != "" && names[b.Name] {
			d.add(b.At.Child("name"), "", "another budget of this key is called %s too", quoteShort(b.Name))
		}
		names[b.Name] = true
		if b.OnExceeded == "Audit" {
			d.add(b.At.Child("onBudgetExceeded"), "leave the budget out: what a key spends is counted in any case", "Audit is not supported: a limit refuses what does not fit")
		}
	}
}

func (d *decoder) label(name string, at Position) {
	if !keyLabel.MatchString(name) {
		d.add(at, "", "the name of a label has 1 to 63 letters, digits, dots, dashes and underscores")
	}
}

// scope checks the models of a key, in either of their forms.
func (d *decoder) scope(k *APIKey) {
	if k.AllowedModels != nil {
		d.patterns(*k.AllowedModels, k.At.Child("allowedModels"))
	}
	if k.Models == nil {
		return
	}
	if k.AllowedModels != nil {
		d.add(k.Models.At, "", "cannot be used with allowedModels")
	}
	if k.Models.Allow != nil {
		d.patterns(*k.Models.Allow, k.Models.At.Child("allow"))
	}
	d.patterns(k.Models.Deny, k.Models.At.Child("deny"))
}

func (d *decoder) patterns(list []string, at Position) {
	for i, p := range list {
		d.pattern(p, at.Index(i))
	}
}

// network checks a range of addresses; an address alone is a range of one.
func (d *decoder) network(text string, at Position) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return
	}
	n, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		d.add(at, "", "%s is neither an address nor a range such as 10.0.0.0/8", quoteShort(text))
	case n.Masked() != n:
		d.add(at, "write "+n.Masked().String(), "%s has bits behind its %d", quoteShort(text), n.Bits())
	case n.Addr().Is4In6():
		d.add(at, "write it as IPv4", "%s is an IPv4 range in the form of IPv6", quoteShort(text))
	}
}

// limit checks the form of a limit; what its amount and window mean is known to
// whoever compiles them.
func (d *decoder) limit(l *Limit) {
	if l.ID != "" && !limitID.MatchString(l.ID) {
		d.add(l.At.Child("id"), "leave it out to have one made", "must be lim_ and 12 letters and digits")
	}
	d.patterns(l.Models, l.At.Child("models"))
	w := l.Window
	switch {
	case w == nil || d.reported(w.At):
		return
	case l.Kind == "concurrency":
		d.add(w.At, "leave it out", "has no meaning for concurrency, which counts requests in flight")
		return
	}
	if w.Calendar == "" && w.Timezone != "" {
		d.add(w.At.Child("timezone"), "", "belongs to calendar windows only")
	}
	if w.Calendar == "" && w.Anchor != "" {
		d.add(w.At.Child("anchor"), "", "belongs to calendar windows only")
	}
	if w.Fixed == 0 && !w.Origin.IsZero() {
		d.add(w.Origin.At, "", "belongs to fixed windows only")
	}
}

// sharedLimits checks the limits that select keys.
func (d *decoder) sharedLimits(all []SharedLimit) {
	names, ids := map[string]bool{}, map[string]bool{}
	for i := range all {
		l := &all[i]
		d.limit(&l.Limit)
		if l.Name != "" && names[l.Name] {
			d.add(l.At.Child("name"), "", "another shared limit is called %s too", quoteShort(l.Name))
		}
		if l.ID != "" && ids[l.ID] {
			d.add(l.At.Child("id"), "", "is the id of another shared limit")
		}
		names[l.Name], ids[l.ID] = true, true
		if l.Match == nil {
			continue
		}
		for _, e := range *l.Match {
			label, ok := strings.CutPrefix(e.Name, "label.")
			if !ok {
				d.add(e.At, "write label."+e.Name, "selects by nothing that is known")
				continue
			}
			d.label(label, e.At)
		}
	}
}

// database checks where things are kept. The address is not shown: it may have a
// password in it.
func (d *decoder) database(db *Database) {
	if db.URL == "" {
		return
	}
	at := db.At.Child("url")
	switch scheme, path, _ := strings.Cut(db.URL, "://"); {
	case slices.Contains([]string{"postgres", "postgresql"}, scheme):
		d.add(at, "leave it out, or write sqlite:// and the path of a file", "PostgreSQL is not supported yet")
	case scheme != "sqlite":
		d.add(at, "", "must be sqlite:// and the path of a file")
	case path == "":
		d.add(at, "", "has no path behind sqlite://")
	}
}

// prices gathers the price lists.
func (d *decoder) prices(c *Config) {
	for i := range c.Process.ModelCatalog {
		e := &c.Process.ModelCatalog[i]
		switch {
		case e.File.Given():
			c.Prices = append(c.Prices, e.File.list())
		case e.Inline != nil:
			text := []byte(e.Inline)
			var inner string
			if json.Unmarshal(text, &inner) == nil {
				text = []byte(inner)
			}
			c.Prices = append(c.Prices, PriceList{Name: fmt.Sprintf("config.modelCatalog[%d]", i), Text: text, At: e.At.Child("inline")})
		}
	}
	for _, f := range c.Tollgate.Prices {
		if f.Given() {
			c.Prices = append(c.Prices, f.list())
		}
	}
}

func (f File) list() PriceList {
	return PriceList{Name: f.Name, Text: []byte(f.Content.Reveal()), File: true, At: f.At}
}

// retention checks that what is kept is kept for a while.
func (d *decoder) retention(r *Retention) {
	for _, f := range []struct {
		name   string
		length time.Duration
	}{{"requests", r.Requests}, {"hours", r.Hours}} {
		if f.length < time.Hour && !d.reported(r.At.Child(f.name)) {
			d.add(r.At.Child(f.name), "", "must be at least 1h")
		}
	}
}
