package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/catalog"
	"tollgate/internal/routing"
	"tollgate/internal/store"
)

// Providers lists the providers that the configuration in force sends to, or that a
// credential is stored for, with what was seen of their targets.
func (c *Control) Providers(ctx context.Context, _ Call) (*admin.ProviderList, error) {
	all := map[string]*admin.Provider{}
	named := func(given string) *admin.Provider {
		name := catalog.Provider(given)
		p := all[name]
		if p == nil {
			live := c.parts.Live
			p = &admin.Provider{
				Name: name, DefaultHost: cmp.Or(live.Host(name), live.Host(given)), Credentials: []string{}, Models: []string{}, Targets: []admin.ProviderTarget{},
			}
			all[name] = p
		}
		return p
	}
	upstreams := c.parts.Live.Upstreams()
	for i := range upstreams {
		u := &upstreams[i]
		p := named(u.Provider)
		p.Targets = append(p.Targets, targetForm(u))
		for _, name := range u.Names {
			if !slices.Contains(p.Models, name) {
				p.Models = append(p.Models, name)
			}
		}
	}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		list, err := tx.Credentials().List()
		for _, row := range list {
			p := named(row.Provider)
			p.Credentials = append(p.Credentials, row.Name)
		}
		return err
	})
	if err != nil {
		return nil, asError(fmt.Errorf("list the provider credentials: %w", err))
	}
	out := &admin.ProviderList{Providers: make([]admin.Provider, 0, len(all))}
	for _, name := range sorted(all) {
		out.Providers = append(out.Providers, *all[name])
	}
	return out, nil
}

func targetForm(u *Upstream) admin.ProviderTarget {
	out := admin.ProviderTarget{
		Backend: u.Backend, Host: u.Host, Model: u.Model, Route: u.Route, State: string(u.State), RestsUntil: moment(u.Until),
		Failures: u.Failures, Latency: seconds(u.Latency), Requests: u.Requests, Failed: u.Failed,
	}
	if u.Last != nil {
		out.LastError, out.LastErrorAt = failureText(u.Last), moment(u.Last.At)
	}
	return out
}

// failureText says how an attempt failed.
func failureText(f *routing.Failure) string {
	if f.Err != nil {
		return f.Err.Error()
	}
	return fmt.Sprintf("answered with status %d", f.Status)
}

// providers tells of providers whose every target rests.
func (o *overview) providers(context.Context) error {
	type rest struct {
		targets int
		until   time.Time // the first of them
		last    *routing.Failure
	}
	resting, awake := map[string]*rest{}, map[string]bool{}
	for _, u := range o.control.parts.Live.Upstreams() {
		name := catalog.Provider(u.Provider)
		if u.State != routing.Resting {
			awake[name] = true
			continue
		}
		r := resting[name]
		if r == nil {
			r = &rest{until: u.Until}
			resting[name] = r
		}
		r.targets++
		if u.Until.Before(r.until) {
			r.until = u.Until
		}
		if u.Last != nil && (r.last == nil || u.Last.At.After(r.last.At)) {
			r.last = u.Last
		}
	}
	var all []admin.AttentionTo
	for _, name := range sorted(resting) {
		r := resting[name]
		if awake[name] {
			continue
		}
		text := "its only target rests"
		if r.targets > 1 {
			text = fmt.Sprintf("all of its %d targets rest", r.targets)
		}
		text += " until " + r.until.Format(time.RFC3339)
		if r.last != nil {
			text += "; the last error: " + failureText(r.last)
		}
		all = append(all, admin.AttentionTo{Kind: "provider_resting", Name: name, Message: text})
	}
	o.several("provider_resting", int64(len(all)), min(len(all), overviewEach), func(i int) admin.AttentionTo { return all[i] })
	return nil
}
