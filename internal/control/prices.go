package control

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/spelling"
	"tollgate/internal/store"
)

// priceSheet is all that one catalog says, in the order in which it is listed.
type priceSheet struct {
	of     *catalog.Catalog
	models []*catalog.Model // by provider, then by id
	names  []string         // what is searched in, for each: "provider/id" in small letters
}

// priced gives the sheet of the catalog in force. It is made once for each catalog.
func (c *Control) priced() *priceSheet {
	now := c.parts.Catalog()
	if s := c.sheet.Load(); s != nil && s.of == now {
		return s
	}
	s := &priceSheet{of: now}
	for m := range now.All() {
		s.models = append(s.models, m)
		s.names = append(s.names, nameOf(m))
	}
	c.sheet.Store(s)
	return s
}

func nameOf(m *catalog.Model) string { return m.Provider + "/" + strings.ToLower(m.ID) }

// Models lists what can be called, with whether its price is known.
func (c *Control) Models(_ context.Context, _ Call) (*admin.ModelList, error) {
	out := &admin.ModelList{Models: []admin.Model{}}
	now, prices := c.parts.Now(), c.parts.Catalog()
	for _, m := range c.parts.Live.Models() {
		form := admin.Model{Name: m.Name, Providers: []string{}, Price: stateOf(prices, &m, now)}
		for _, t := range m.Targets {
			if !slices.Contains(form.Providers, t.Provider) {
				form.Providers = append(form.Providers, t.Provider)
			}
			if t.Model != "" && t.Model != m.Name && !slices.Contains(form.Upstream, t.Model) {
				form.Upstream = append(form.Upstream, t.Model)
			}
		}
		if form.Price == catalog.Known.String() {
			form.Rates = usualRates(prices, &m, now)
		}
		out.Models = append(out.Models, form)
	}
	return out, nil
}

// usualRates gives the prices of a model where it goes first, without what they come to for
// large requests or in another service tier.
func usualRates(prices *catalog.Catalog, m *Model, now time.Time) []admin.Rate {
	t := m.Targets[0]
	provider, name := catalog.Provider(t.Provider), cmp.Or(t.Model, m.Name)
	known := prices.Model(provider, name)
	if known == nil {
		return nil // what is free there has a price elsewhere
	}
	for _, tier := range priceForm(prices, provider, name, known, now).Tiers {
		if tier.Service == "" && tier.OverInput == nil {
			return tier.Rates
		}
	}
	return nil
}

// stateOf tells whether there is a price for a model wherever it may go, "" where that
// depends on the name that a caller asks for.
func stateOf(prices *catalog.Catalog, m *Model, now time.Time) string {
	free := true
	for _, t := range m.Targets {
		name := t.Model
		if name == "" {
			name = m.Name
		}
		if strings.Contains(name, "*") {
			return ""
		}
		quote := prices.Quote(now, t.Provider, name)
		switch quote.State() {
		case catalog.Unknown:
			return catalog.Unknown.String()
		case catalog.Known:
			free = false
		}
	}
	switch {
	case len(m.Targets) == 0:
		return catalog.Unknown.String()
	case free:
		return catalog.Free.String()
	default:
		return catalog.Known.String()
	}
}

const (
	usualPage = 50
	maxSearch = 256
)

// Prices lists the prices of models whose provider and name have all words of text in
// them, a page at a time.
func (c *Control) Prices(_ context.Context, _ Call, text, cursor string, most int) (*admin.PriceList, error) {
	var p problems
	if most < 0 || most > maxPage {
		p.add("limit", "is not between 1 and %d", maxPage)
	}
	if len(text) > maxSearch {
		p.add("q", "has %d characters; %d are allowed", len(text), maxSearch)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	if most == 0 {
		most = usualPage
	}
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || cursor != "" && !bytes.Contains(after, []byte{'/'}) {
		return nil, badCursor(err)
	}
	s, words, now := c.priced(), strings.Fields(strings.ToLower(text)), c.parts.Now()
	out := &admin.PriceList{Prices: []admin.Price{}, Origins: originForms(s.of.Layers())}
	for i, m := range s.models {
		if s.names[i] <= string(after) || !containsAll(s.names[i], words) {
			continue
		}
		if len(out.Prices) == most {
			out.Next = base64.RawURLEncoding.EncodeToString([]byte(nameOf(s.models[i-1])))
			break
		}
		out.Prices = append(out.Prices, priceForm(s.of, m.Provider, m.ID, m, now))
	}
	return out, nil
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// noModel is the name of no model. What a list has for it, it has for any name.
const noModel = "\x00"

// Price tells what a model costs: at each target that it has in the configuration in
// force, and with every provider that has it by name. "provider/model" is about one provider.
func (c *Control) Price(_ context.Context, _ Call, name string) (*admin.PriceList, error) {
	if name == "" || len(name) > maxSearch {
		var p problems
		p.add("model", "is the name of a model, at most %d characters", maxSearch)
		return nil, p.err()
	}
	s, now := c.priced(), c.parts.Now()
	out := &admin.PriceList{Prices: []admin.Price{}, Origins: originForms(s.of.Layers())}
	told := map[string]bool{}
	tell := func(provider, name string, own bool) {
		m := s.of.Model(provider, name)
		if m == nil || told[provider+"/"+m.ID] {
			return
		}
		if any := s.of.Model(provider, noModel); !own && any != nil && any.ID == m.ID && !strings.EqualFold(m.ID, name) {
			return // it would cost that under every name
		}
		told[provider+"/"+m.ID] = true
		out.Prices = append(out.Prices, priceForm(s.of, provider, name, m, now))
	}
	for _, m := range c.parts.Live.Models() {
		if m.Name != name {
			continue
		}
		for _, t := range m.Targets {
			if t.Model == "" {
				t.Model = m.Name
			}
			tell(catalog.Provider(t.Provider), t.Model, true)
		}
	}
	var providers []string
	for _, m := range s.models {
		if n := len(providers); n == 0 || providers[n-1] != m.Provider {
			providers = append(providers, m.Provider)
		}
	}
	for _, provider := range providers {
		tell(provider, name, false)
	}
	if provider, rest, ok := strings.Cut(name, "/"); ok {
		tell(catalog.Provider(provider), rest, true)
	}
	if len(out.Prices) == 0 {
		return nil, s.unknown(name)
	}
	return out, nil
}

// unknown refuses a name that no list has, with the nearest one that a list has.
func (s *priceSheet) unknown(name string) error {
	known := make([]string, 0, len(s.models))
	for _, m := range s.models {
		known = append(known, strings.ToLower(m.ID))
	}
	slices.Sort(known)
	e := &Error{Kind: NotFound, Code: "price_not_found", Detail: fmt.Sprintf("no price list has a model %s", shown(name))}
	if near := spelling.Nearest(name, slices.Compact(known)); near != "" {
		e.Detail += fmt.Sprintf("; did you mean %s?", near)
	} else {
		e.Detail += "; your own price list can give it a price"
	}
	return e
}

// priceForm writes what is known of a model under the name that was asked for.
func priceForm(prices *catalog.Catalog, provider, name string, m *catalog.Model, now time.Time) admin.Price {
	quote := prices.Quote(now, provider, name)
	out := admin.Price{
		Provider: provider, Model: m.ID, State: quote.State().String(), Version: m.Version(),
		ContextWindow: m.ContextWindow, MaxOutput: m.MaxOutput, Tiers: []admin.PriceTier{}, Origins: originForms(m.Origins()), Unmetered: m.Unmetered,
	}
	for _, t := range m.Tiers(now) {
		tier := admin.PriceTier{Service: t.Service, Rates: []admin.Rate{}}
		if t.Over >= 0 {
			tier.OverInput = &t.Over
		}
		if t.Factor != money.One {
			tier.Factor = t.Factor.String()
		}
		for _, r := range t.Rates {
			tier.Rates = append(tier.Rates, admin.Rate{
				Kind: r.Kind.String(), PriceUSD: r.Kind.Format(r.Price), Per: perOf(r.Kind), Origin: originForm(r.Origin),
			})
		}
		out.Tiers = append(out.Tiers, tier)
	}
	return out
}

// perOf says for how much a price is.
func perOf(k catalog.Kind) string {
	switch {
	case k.PerMillion():
		return "million"
	case k == catalog.AudioHour:
		return "hour"
	default:
		return "one"
	}
}

func originForm(o catalog.Origin) admin.Origin {
	return admin.Origin{Source: o.Source, Version: o.Version, Date: o.Date}
}

func originForms(list []catalog.Origin) []admin.Origin {
	out := make([]admin.Origin, 0, len(list))
	for _, o := range list {
		out = append(out, originForm(o))
	}
	return out
}

// The operator's own price list.
const (
	ownPrices     = "prices.own"        // the setting that it is kept in
	ownPricesDate = "prices.own.date"   // the setting that says when it was set
	ownPricesName = "operator's prices" // the source of its prices, unless it names one
	emptyPrices   = `{"format":"` + catalog.Format + `","providers":{}}`
)

// storedPrices gives the operator's list as it is stored, nil if there is none.
func storedPrices(tx store.Tx) (json.RawMessage, error) {
	raw, err := tx.Settings().Get(ownPrices)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the operator's price list: %w", err)
	}
	return raw, nil
}

// pricesForm shows the list; where there is none an empty one that can be filled.
func pricesForm(raw json.RawMessage) *admin.PriceOverrides {
	if raw == nil {
		raw = json.RawMessage(emptyPrices)
	}
	return &admin.PriceOverrides{List: raw, ETag: pricesTag(raw)}
}

// pricesTag is the entity tag of a price list, like etag that of a row.
func pricesTag(raw []byte) string {
	sum := sha256.Sum256(raw)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// PriceOverrides gives the operator's own price list.
func (c *Control) PriceOverrides(ctx context.Context, _ Call) (*admin.PriceOverrides, error) {
	var raw json.RawMessage
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = storedPrices(tx)
		return err
	})
	if err != nil {
		return nil, asError(err)
	}
	return pricesForm(raw), nil
}

// SetPriceOverrides replaces the operator's own price list, which stands over all
// others; null takes it away. What was charged before stays as it was.
func (c *Control) SetPriceOverrides(ctx context.Context, call Call, list json.RawMessage) (*admin.PriceOverrides, error) {
	var out *admin.PriceOverrides
	e, err := c.change(ctx, call, "prices.set_overrides", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "prices", Name: ownPricesName}
		before, err := storedPrices(tx)
		if err != nil {
			return err
		}
		if err := call.matchTag(pricesForm(before).ETag); err != nil {
			return err
		}
		if raw := bytes.TrimSpace(list); len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			out = pricesForm(nil)
			e.Diff = diff(before, nil)
			if before == nil {
				return nil
			}
			if err := tx.Settings().Delete(ownPricesDate); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			return tx.Settings().Delete(ownPrices)
		}
		if _, err := catalog.ParseOwn(ownPricesName, list); err != nil {
			return badPrices(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, list); err != nil {
			return badPrices(err)
		}
		out = pricesForm(compact.Bytes())
		e.Diff = diff(before, out.List)
		if err := tx.Settings().Put(ownPricesDate, []byte(e.At.Format(time.DateOnly))); err != nil {
			return err
		}
		return tx.Settings().Put(ownPrices, out.List)
	})
	if err != nil {
		return nil, err
	}
	out.EventID = e.Seq
	if err := c.LoadPrices(context.WithoutCancel(ctx)); err != nil {
		return nil, asError(fmt.Errorf("the new price list is stored, but could not be put in force: %w", err))
	}
	return out, nil
}

// badPrices tells what is wrong with a price list, and where.
func badPrices(err error) error {
	var p problems
	var wrong *catalog.Error
	if !errors.As(err, &wrong) {
		p.add("list", "%v", err)
		return p.err()
	}
	path := strings.ReplaceAll(strings.TrimPrefix(wrong.Path, "/"), "/", ".")
	path = strings.ReplaceAll(strings.ReplaceAll(path, "~1", "/"), "~0", "~") // as RFC 6901 has it
	if path == "" {
		path = "list"
	}
	p.add(path, "%s (line %d)", wrong.Reason, wrong.Line)
	return p.err()
}

// LoadPrices puts the operator's own price list in force. When the program starts
// somebody has to ask for that.
func (c *Control) LoadPrices(ctx context.Context) error {
	c.live.Lock()
	defer c.live.Unlock()
	var raw json.RawMessage
	var date []byte
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		if raw, err = storedPrices(tx); err != nil || raw == nil {
			return err
		}
		if date, err = tx.Settings().Get(ownPricesDate); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if raw == nil {
		c.parts.Live.PricesChanged(nil)
		return nil
	}
	own, err := catalog.ParseOwn(ownPricesName, raw)
	if err != nil {
		return fmt.Errorf("the stored price list: %w", err)
	}
	c.parts.Live.PricesChanged(own.Dated(string(date)))
	return nil
}
