package ratelimit

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what a rule counts.
type Kind uint8

// The kinds.
const (
	Requests Kind = iota
	Tokens        // of a model, input and output
)

// String gives the name used in errors and headers.
func (k Kind) String() string {
	if k == Tokens {
		return "tokens"
	}
	return "requests"
}

// Rule is one configured rate limit.
type Rule struct {
	// ID names the rule in refusals and is the identity of its buckets: the
	// rules of two configurations with the same ID, Kind and Keyed share them.
	ID   string
	Kind Kind
	// Max is the capacity, PerFill what is added each Interval; both in the
	// kind's own unit.
	Max, PerFill int64
	Interval     time.Duration
	// Keyed rules have a bucket for each value of a key.
	Keyed bool
}

// Validate tells what is wrong with the amounts.
func (r *Rule) Validate() error {
	var problems []error
	if r.Max < 0 || r.PerFill < 0 {
		problems = append(problems, errors.New("max tokens and tokens per fill cannot be negative"))
	}
	if r.Max < r.PerFill {
		problems = append(problems, errors.New("max tokens cannot be less than the refill amount"))
	}
	if r.Interval <= 0 {
		problems = append(problems, errors.New("the fill interval must be longer than zero"))
	}
	return errors.Join(problems...)
}

// Window gives the rule's interval as people write it, for instance "60s" or "24h".
func (r *Rule) Window() string {
	switch d := r.Interval; {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	default:
		return d.String()
	}
}

// identity is what makes two rules the same one.
type identity struct {
	id    string
	kind  Kind
	keyed bool
}

func (r *Rule) identity() identity { return identity{r.ID, r.Kind, r.Keyed} }
