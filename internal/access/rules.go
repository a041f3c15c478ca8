package access

import "tollgate/internal/expression"

// Effect is what a rule does when its condition holds.
type Effect uint8

// The effects.
const (
	Allow   Effect = iota // lets pass; if there is any such rule, one must hold
	Deny                  // refuses, whatever else holds
	Require               // must hold
)

// Condition is a question about a request. An error counts as not holding: a
// request that lacks what the question is about fails a Require and an Allow,
// and escapes a Deny.
type Condition interface {
	Bool(in *expression.Input) (bool, error)
}

// Rule is one line of an authorization policy.
type Rule struct {
	Effect    Effect
	Condition Condition
}

// Rules is an authorization policy: any Deny that holds refuses, every Require
// must hold, and if there are Allow rules one of them must hold. Without Allow
// rules the rest decides. Rules never change once made.
type Rules struct{ deny, require, allow []Condition }

// NewRules makes a policy of its rules. Their order has no meaning.
func NewRules(rules []Rule) *Rules {
	r := &Rules{}
	for _, rule := range rules {
		switch rule.Effect {
		case Deny:
			r.deny = append(r.deny, rule.Condition)
		case Require:
			r.require = append(r.require, rule.Condition)
		default:
			r.allow = append(r.allow, rule.Condition)
		}
	}
	return r
}

// Allow tells whether the policy lets a request pass.
func (r *Rules) Allow(in *expression.Input) bool {
	for _, c := range r.deny {
		if holds(c, in) {
			return false
		}
	}
	for _, c := range r.require {
		if !holds(c, in) {
			return false
		}
	}
	for _, c := range r.allow {
		if holds(c, in) {
			return true
		}
	}
	return len(r.allow) == 0
}

func holds(c Condition, in *expression.Input) bool {
	yes, err := c.Bool(in)
	return err == nil && yes
}
