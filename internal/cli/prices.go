package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tollgate/api/admin"
	"tollgate/client"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
)

type prices struct {
	Show      pricesShow      `cmd:"" default:"withargs" help:"Show what a model costs, or list prices."`
	Overrides pricesOverrides `cmd:"" help:"Print your own price list, or replace it."`
}

type pricesShow struct {
	Model   string `arg:"" optional:"" help:"Name of a model, or provider/model. Without one all prices are listed."`
	Search  string `short:"q" placeholder:"TEXT" help:"List the models with these words in their name or that of their provider."`
	Offline bool   `help:"Ask no server: tell what the price lists say that are part of this program."`
	paging
	remote
}

// Help is shown below the summary.
func (*pricesShow) Help() string {
	return `Asks the server, whose configuration may have lists of its own.

    tollgate prices gpt-5
    tollgate prices anthropic/claude-sonnet-4-5 --offline
    tollgate prices --search 'openai mini'`
}

// Run implements the command.
func (c *pricesShow) Run(ctx context.Context, env *Environment) error {
	if c.Model != "" && c.Search != "" {
		return usageError("give either the name of a model or --search, not both")
	}
	s := &session{env: env, json: c.Output == "json", now: env.now()}
	var list *admin.PriceList
	var err error
	if c.Offline {
		list, err = c.offline(ctx, env)
	} else if s, err = c.open(env); err == nil {
		list, err = c.ask(ctx, s)
		err = s.explain(err)
	}
	if err != nil {
		return err
	}
	return s.show(list, func() error {
		if c.Model != "" {
			return priceTexts(env.Stdout, list.Prices)
		}
		return s.priceTable(list)
	})
}

func (c *pricesShow) ask(ctx context.Context, s *session) (*admin.PriceList, error) {
	f := client.PriceFilter{Model: c.Model, Text: c.Search, Limit: c.Limit, Cursor: c.Cursor}
	return allPrices(c.All, func(cursor string) (*admin.PriceList, error) {
		if cursor != "" {
			f.Cursor = cursor
		}
		return s.Prices(ctx, f)
	})
}

// offline asks the same code that a server does, with the embedded lists and no
// configuration.
func (c *pricesShow) offline(ctx context.Context, env *Environment) (*admin.PriceList, error) {
	layers, err := catalog.Embedded()
	if err != nil {
		return nil, fmt.Errorf("read the embedded price lists: %w", err)
	}
	all := catalog.New(layers...)
	here := control.New(control.Parts{Catalog: func() *catalog.Catalog { return all }, Now: env.now, Live: noGateway{}})
	if c.Model != "" {
		return here.Price(ctx, control.Call{}, c.Model)
	}
	return allPrices(c.All, func(cursor string) (*admin.PriceList, error) {
		return here.Prices(ctx, control.Call{}, c.Search, first(cursor, c.Cursor), c.Limit)
	})
}

// noGateway stands for the data plane where there is none.
type noGateway struct{ control.Live }

// Models implements control.Live.
func (noGateway) Models() []control.Model { return nil }

// allPrices reads one page of prices, or all of them.
func allPrices(all bool, page func(cursor string) (*admin.PriceList, error)) (*admin.PriceList, error) {
	list, err := page("")
	if err != nil {
		return nil, err
	}
	for all && list.Next != "" {
		more, err := page(list.Next)
		if err != nil {
			return nil, err
		}
		list.Prices, list.Next = append(list.Prices, more.Prices...), more.Next
	}
	return list, nil
}

// priceTexts writes everything that is known of the prices of some models.
func priceTexts(to io.Writer, list []admin.Price) error {
	for i := range list {
		if i > 0 {
			if err := line(to, ""); err != nil {
				return err
			}
		}
		if err := priceText(to, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func priceText(to io.Writer, p *admin.Price) error {
	title := p.Provider + "/" + p.Model
	switch p.State {
	case "unknown":
		title += ": no price is known"
	case "free":
		title += ": costs nothing"
	}
	if p.ContextWindow > 0 {
		title += ", reads at most " + some(p.ContextWindow, "token")
	}
	if p.MaxOutput > 0 {
		title += ", writes at most " + count(p.MaxOutput)
	}
	if err := line(to, "%s", title); err != nil {
		return err
	}
	t := newTable("", "KIND", ">PRICE", "PER", "SOURCE", "DATE")
	for i := range p.Tiers {
		tier := &p.Tiers[i]
		label := tierText(tier)
		if i > 0 && tier.Factor != "" && sameRates(tier, &p.Tiers[0]) {
			t.add(label, "the same, tokens times "+tier.Factor, "", "", "", "")
			continue
		}
		for _, r := range tier.Rates {
			t.add(label, r.Kind, dollars(r.PriceUSD), perText(r.Kind, r.Per), strings.TrimSuffix(r.Origin.Source+" "+r.Origin.Version, " "), r.Origin.Date)
			label = ""
		}
	}
	if !t.empty() {
		if err := t.write(to, "  "); err != nil {
			return err
		}
	}
	if len(p.Unmetered) > 0 {
		return line(to, "  The provider also charges by what no usage tells: %s.", joined(p.Unmetered))
	}
	return nil
}

// tierText tells when the prices of a tier hold.
func tierText(t *admin.PriceTier) string {
	var parts []string
	if t.Service != "" {
		parts = append(parts, "service "+t.Service)
	}
	if t.OverInput != nil {
		parts = append(parts, "above "+count(*t.OverInput)+" read")
	}
	return strings.Join(parts, ", ")
}

// sameRates tells whether two tiers differ by nothing but a factor.
func sameRates(a, b *admin.PriceTier) bool {
	return slices.Equal(a.Rates, b.Rates) && (a.OverInput == nil) == (b.OverInput == nil)
}

// perText tells for how much a price is.
func perText(kind, per string) string {
	switch {
	case per == "million" && kind == "character":
		return "million characters"
	case per == "million":
		return "million tokens"
	}
	return per
}

func (s *session) priceTable(list *admin.PriceList) error {
	t := newTable("PROVIDER", "MODEL", ">INPUT", ">CACHED", ">OUTPUT", "STATE")
	for i := range list.Prices {
		p := &list.Prices[i]
		t.add(p.Provider, p.Model, usual(p, "input"), usual(p, "cacheRead"), usual(p, "output"), p.State)
	}
	if t.empty() {
		return line(s.env.Stderr, "No prices.")
	}
	if err := t.write(s.env.Stdout, ""); err != nil {
		return err
	}
	if err := line(s.env.Stderr, "US dollars per million tokens, as they usually are; tollgate prices MODEL tells all of a model."); err != nil {
		return err
	}
	return s.more(list.Next)
}

// usual gives the price of a kind in the first tier, which is the ordinary one.
func usual(p *admin.Price, kind string) string {
	if len(p.Tiers) > 0 {
		for _, r := range p.Tiers[0].Rates {
			if r.Kind == kind {
				return dollars(r.PriceUSD)
			}
		}
	}
	return ""
}

type pricesOverrides struct {
	Set string `placeholder:"FILE" help:"Replace the list by that in a file; - is standard input."`
	remote
}

// Help is shown below the summary.
func (*pricesOverrides) Help() string {
	return `The list stands above all others, for requests from now on. What was charged stays charged.

    tollgate prices overrides > prices.json
    tollgate prices overrides --set prices.json`
}

// maxPriceList bounds a price list, in bytes: the server takes no more.
const maxPriceList = 1 << 20

// Run implements the command.
func (c *pricesOverrides) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if c.Set == "" {
		own, err := s.PriceOverrides(ctx)
		if err != nil {
			return s.explain(err)
		}
		if s.json {
			return printJSON(env.Stdout, own)
		}
		return printJSON(env.Stdout, own.List)
	}
	from := env.Stdin
	if c.Set != "-" {
		f, err := os.Open(c.Set)
		if err != nil {
			return usageError("--set: " + err.Error())
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxPriceList+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the price list: %w", err)
	case len(text) > maxPriceList:
		return usageError(fmt.Sprintf("--set: the price list is larger than %s", size(maxPriceList)))
	case !json.Valid(text):
		return usageError("--set: that is no JSON: see the format tollgate/prices/1 in docs/configuration.md")
	}
	own, err := s.SetPriceOverrides(ctx, text)
	if err != nil {
		return s.explain(err)
	}
	return s.done(own, "Replaced your price list: it holds for requests from now on.")
}

type models struct{ remote }

// Run implements the command.
func (c *models) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list, err := s.Models(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		t := newTable("MODEL", "PROVIDERS", "SENT AS", "PRICE")
		for i := range list.Models {
			m := &list.Models[i]
			t.add(m.Name, joined(m.Providers), joined(m.Upstream), first(m.Price, "depends"))
		}
		if t.empty() {
			return line(env.Stderr, "The configuration has no models.")
		}
		return t.write(env.Stdout, "")
	})
}
