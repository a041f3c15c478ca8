package gateway_test

import (
	"testing"

	"tollgate/internal/budget"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
)

// TestUnpricedTargetsArePassedOver: under a limit on cost the first target with a price answers,
// and the record says why those before it did not. Without one the request is refused.
func TestUnpricedTargetsArePassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		kind   budget.Kind
		models []string
		status int
		sent   string
		tried  int
	}{
		"the second has a price":  {budget.Cost, []string{"nobody-knows", "gpt-5"}, 200, "gpt-5", 2},
		"the third has a price":   {budget.Cost, []string{"nobody-knows", "nor-this", "gpt-5"}, 200, "gpt-5", 3},
		"none has a price":        {budget.Cost, []string{"nobody-knows", "nor-this"}, 403, "", 0},
		"the first has a price":   {budget.Cost, []string{"gpt-5", "nobody-knows"}, 200, "gpt-5", 1},
		"nobody asks for a price": {budget.Tokens, []string{"nobody-knows", "gpt-5"}, 200, "nobody-knows", 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, []*budget.Limit{limit("lim", c.kind, 1<<40, daily)}, nil, whole(200, good))
			defer b.stop()
			var groups [][]*gateway.Target
			for _, model := range c.models {
				target := b.newTarget(model)
				target.Model = model
				groups = append(groups, []*gateway.Target{target})
			}
			b.backends(groups...)
			out := b.ask(call{body: `{"model":"best","messages":[],"max_tokens":100}`})
			x := b.last()
			if out.status != c.status || len(x.Attempts) != c.tried || x.ModelSent != c.sent {
				t.Fatalf("%d %s after %d attempts, of %q", out.status, out.text(), len(x.Attempts), x.ModelSent)
			}
			for i := range max(0, c.tried-1) {
				if a := &x.Attempts[i]; a.Err == nil || a.Model != c.models[i] || a.Cost != 0 || a.CostSource != ledger.None || a.Reservation != (budget.ID{}) {
					t.Errorf("%+v", a)
				}
			}
			if s := b.state(0); s.Reserved != 0 || (s.Settled > 0) != (c.status == 200) {
				t.Errorf("%+v", s)
			}
			if len(b.up.seen) != min(1, c.tried) {
				t.Errorf("%d requests were sent", len(b.up.seen))
			}
		})
	}
}
