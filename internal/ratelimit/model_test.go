package ratelimit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/ratelimit"
)

// model is the bucket as its description reads, one fill at a time.
type model struct {
	rule ratelimit.Rule
	left int64
	next time.Duration
}

func (m *model) advance(to time.Duration) {
	for m.next <= to {
		m.left = min(m.left+m.rule.PerFill, m.rule.Max)
		m.next += m.rule.Interval
	}
}

// change keeps what was consumed and the instant of the last fill.
func (m *model) change(to ratelimit.Rule) {
	consumed := m.rule.Max - m.left
	last := m.next - m.rule.Interval
	m.rule, m.left, m.next = to, max(0, to.Max-consumed), last+to.Interval
}

// fits tells when n would fit if nobody else took anything, by trying each fill.
func (m model) fits(n int64, now time.Duration) (time.Duration, bool) {
	for range 200 {
		if m.next += m.rule.Interval; m.rule.PerFill == 0 {
			return 0, false
		}
		m.left = min(m.left+m.rule.PerFill, m.rule.Max)
		if m.left >= n {
			return m.next - m.rule.Interval - now, true
		}
	}
	return 0, false
}

func TestBucketAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawRule := func() ratelimit.Rule {
			limit := rapid.Int64Range(0, 12).Draw(t, "max")
			return ratelimit.Rule{
				ID: "r", Kind: ratelimit.Tokens, Max: limit, PerFill: rapid.Int64Range(0, limit).Draw(t, "perFill"),
				Interval: time.Duration(rapid.IntRange(1, 5).Draw(t, "interval")),
			}
		}
		rule := drawRule()
		registry := ratelimit.NewRegistry(start)
		l := adopt(registry, start, rule)[0]
		m := model{rule: rule, left: rule.Max, next: rule.Interval}
		now := time.Duration(0)
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now += time.Duration(rapid.IntRange(0, 20).Draw(t, "wait"))
				m.advance(now)
			},
			"take": func(t *rapid.T) {
				n := rapid.Int64Range(-1, 14).Draw(t, "n")
				need := n
				if n == ratelimit.Ask {
					need = 1
				}
				s, refused := take(l, n, at(now))
				if admit := need > 0 && m.left >= need; admit != (refused == nil) {
					t.Fatalf("taking %d of %d: refused %+v", n, m.left, refused)
				}
				if refused == nil {
					m.left -= max(n, 0)
				} else if when, ok := m.fits(need, now); need > 0 && ok != !refused.Never() || refused.RetryAfter != 0 && refused.RetryAfter != when {
					t.Fatalf("taking %d of %d: fits in %v, said %v", n, m.left, when, refused.RetryAfter)
				}
				if s.Remaining != m.left || s.Limit != m.rule.Max {
					t.Fatalf("state %+v, want %d of %d", s, m.left, m.rule.Max)
				}
				if refused == nil && m.rule.PerFill > 0 && s.Reset != m.next-now {
					t.Fatalf("next fill in %v, want %v", s.Reset, m.next-now)
				}
			},
			"charge": func(t *rapid.T) {
				n := rapid.Int64Range(-14, 14).Draw(t, "n")
				l.Bucket("", at(now)).Charge(n, at(now))
				m.left = min(max(m.left-n, 0), m.rule.Max)
			},
			"reload": func(t *rapid.T) {
				rule := drawRule()
				l = adopt(registry, at(now), rule)[0]
				m.change(rule)
				m.advance(now)
			},
		})
	})
}
