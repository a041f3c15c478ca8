package cli

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"strings"

	"tollgate/api/admin"
	"tollgate/client"
)

func because(reason string) []client.Option { return []client.Option{client.Because(reason)} }

type keysList struct {
	Search   string            `short:"q" placeholder:"TEXT" help:"In the name, the id, a label, or the end of a secret."`
	Status   string            `enum:",active,disabled,revoked,expired" default:"" placeholder:"STATUS" help:"active, disabled, revoked or expired."`
	Label    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"With this label. May be given several times."`
	Origin   string            `enum:",managed,file" default:"" placeholder:"ORIGIN" help:"managed, or file: of a configuration file."`
	Uncapped bool              `help:"Without a limit of their own."`
	Idle     string            `placeholder:"90d" help:"Not used for so long."`
	Expiring string            `placeholder:"7d" help:"Expiring within so long."`
	Sort     string            `placeholder:"FIELD" help:"name, created_at, last_used_at or expires_at; downwards with a minus before it: --sort=-name."`
	paging
	remote
}

// paging is the flags of lists that come in pages.
type paging struct {
	Limit  int    `default:"50" placeholder:"50" help:"How many, at most 200."`
	Cursor string `placeholder:"TEXT" help:"Go on where the last page ended."`
	All    bool   `help:"All pages."`
}

// more tells how to go on after a page.
func (s *session) more(next string) error {
	if next == "" {
		return nil
	}
	return line(s.env.Stderr, "There are more: --all lists them, or --cursor %s goes on.", next)
}

// Run implements the command.
func (c *keysList) Run(ctx context.Context, env *Environment) error {
	f := admin.KeyFilter{
		Text: c.Search, Status: c.Status, Labels: c.Label, Origin: c.Origin, Uncapped: c.Uncapped,
		Sort: c.Sort, Limit: c.Limit, Cursor: c.Cursor,
	}
	for _, d := range []struct {
		flag, text string
		to         *string
	}{{"--idle", c.Idle, &f.IdleFor}, {"--expiring", c.Expiring, &f.ExpiringWithin}} {
		if d.text == "" {
			continue
		}
		length, err := parseDuration(d.text)
		if err != nil {
			return usageError(d.flag + ": " + err.Error())
		}
		*d.to = durationText(length)
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list := &admin.KeyList{Keys: []admin.Key{}}
	if c.All {
		for k, err := range s.AllKeys(ctx, f) {
			if err != nil {
				return s.explain(err)
			}
			list.Keys = append(list.Keys, *k)
		}
	} else if list, err = s.Keys(ctx, f); err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		none := "No keys. tollgate keys create NAME makes one."
		if c.Cursor != "" || c.Search+c.Status+c.Origin+c.Idle+c.Expiring != "" || len(c.Label) > 0 || c.Uncapped {
			none = "No such keys."
		}
		return s.keyTable(list, none)
	})
}

func (s *session) keyTable(list *admin.KeyList, none string) error {
	t := newTable("NAME", "ID", "STATUS", "LIMITS", ">USED", "EXPIRES", "LAST USED")
	for i := range list.Keys {
		k := &list.Keys[i]
		t.add(k.Name, k.ID, k.Status, limitsBriefly(k.Limits), fullest(k), moment(k.ExpiresAt, s.now, "never"), since(k.LastUsedAt, s.now))
	}
	if t.empty() {
		return line(s.env.Stderr, "%s", none)
	}
	if err := t.write(s.env.Stdout, ""); err != nil {
		return err
	}
	return s.more(list.Next)
}

// limitsBriefly lists limits, the first two in full.
func limitsBriefly(limits []admin.Limit) string {
	if len(limits) == 0 {
		return "none"
	}
	var texts []string
	for i := range limits[:min(2, len(limits))] {
		l := &limits[i]
		text := limitText(l)
		switch l.Kind {
		case "tokens":
			text += " tokens"
		case "concurrency":
			text += " at once"
		}
		texts = append(texts, text)
	}
	if n := len(limits) - 2; n > 0 {
		texts = append(texts, "+"+count(int64(n)))
	}
	return strings.Join(texts, ", ")
}

// fullest tells how much of the limit is used of which the most is, as far as it is
// known how limits stand.
func fullest(k *admin.Key) string {
	most := new(big.Rat).SetInt64(-1)
	for _, list := range [][]admin.Limit{k.Limits, k.SharedLimits} {
		for i := range list {
			l := &list[i]
			if l.Standing == nil {
				continue
			}
			spent, ok1 := new(big.Rat).SetString(l.Spent.Text)
			reserved, ok2 := new(big.Rat).SetString(l.Reserved.Text)
			amount, ok3 := new(big.Rat).SetString(l.Amount.Text)
			if !ok1 || !ok2 || !ok3 || amount.Sign() <= 0 {
				continue
			}
			if share := spent.Add(spent, reserved).Quo(spent, amount); share.Cmp(most) > 0 {
				most = share
			}
		}
	}
	if most.Sign() < 0 {
		return ""
	}
	percent, _ := new(big.Rat).Mul(most, big.NewRat(100, 1)).Float64()
	switch {
	case percent >= 1000:
		return ">999%"
	case percent > 99 && percent < 100: // not full
		return "99%"
	}
	return big.NewRat(0, 1).SetFloat64(percent).FloatString(0) + "%"
}

type keysShow struct {
	Key string `arg:"" help:"Id or name."`
	remote
}

// Run implements the command.
func (c *keysShow) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	k, err := s.Key(ctx, c.Key)
	if err != nil {
		return s.explain(err)
	}
	return s.show(k, func() error { return s.keyText(env.Stdout, k) })
}

// keyText writes everything that is known of a key.
func (s *session) keyText(to io.Writer, k *admin.Key) error {
	status := k.Status
	if k.Reason != "" {
		status += ": " + k.Reason
	}
	t := newTable(k.Name, k.ID)
	t.add("status", status)
	if k.Legacy {
		t.add("", "imported without limits")
	}
	if k.Origin == "file" {
		t.add("origin", "a configuration file, which is where it is changed")
	}
	if len(k.Labels) > 0 {
		t.add("labels", pairs(sortedNames(k.Labels), k.Labels))
	}
	t.add("models", modelsText(k.Models))
	t.add("operations", listed(k.Operations))
	t.add("networks", listed(k.Networks))
	if k.MaxTokens > 0 {
		t.add("max tokens", count(k.MaxTokens)+" where a request has no bound")
	}
	if k.Clamp {
		t.add("clamp", "an output bound that the budget cannot pay is lowered")
	}
	if k.Discreet {
		t.add("discreet", "its holder is told no amounts")
	}
	t.add("expires", exactly(k.ExpiresAt, s.now, "never"))
	t.add("created", exactly(&k.CreatedAt, s.now, "")+" by "+k.CreatedBy)
	t.add("last used", exactly(k.LastUsedAt, s.now, "never"))
	if m := k.ThisMonth; m != nil {
		t.add("this month", fmt.Sprintf("%s for %s, with %s in and %s out", dollars(m.CostUSD), some(m.Requests, "request"), some(m.InputTokens, "token"), count(m.OutputTokens)))
	}
	if k.InFlight != nil {
		t.add("under way", some(int64(*k.InFlight), "request"))
	}
	for i := range k.Secrets {
		t.add(s.secretRow(i, &k.Secrets[i])...)
	}
	if err := t.write(to, ""); err != nil {
		return err
	}
	return s.limitTables(to, k)
}

func (s *session) secretRow(i int, secret *admin.Secret) []string {
	name := ""
	if i == 0 {
		name = "secrets"
	}
	text := secret.ID
	if secret.Last4 != "" {
		text = "…" + secret.Last4
	}
	if !secret.CreatedAt.IsZero() { // nobody knows when that of a configuration file was
		text += " made " + relative(secret.CreatedAt, s.now)
	}
	if secret.NotAfter != nil {
		text += ", ends " + relative(*secret.NotAfter, s.now)
	}
	return []string{name, text + ", last used " + since(secret.LastUsedAt, s.now)}
}

func (s *session) limitTables(to io.Writer, k *admin.Key) error {
	if len(k.Limits) > 0 {
		if err := line(to, ""); err != nil {
			return err
		}
		if err := s.standing(k.Limits).write(to, ""); err != nil {
			return err
		}
	}
	if len(k.SharedLimits) > 0 {
		if err := line(to, "\nShared limits that it is under:"); err != nil {
			return err
		}
		return s.standing(k.SharedLimits).write(to, "")
	}
	if len(k.Limits) == 0 {
		return line(to, "\nIt has no limits.")
	}
	return nil
}

func modelsText(m *admin.Models) string {
	if m == nil {
		return "all"
	}
	text := listed(m.Allow)
	if len(m.Deny) > 0 {
		text += " but " + joined(m.Deny)
	}
	return text
}

// listed writes a list of which none at all means everything.
func listed(list []string) string {
	switch {
	case list == nil:
		return "all"
	case len(list) == 0:
		return "none"
	}
	return joined(list)
}

func joined(list []string) string { return strings.Join(list, ", ") }
