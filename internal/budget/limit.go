package budget

import (
	"errors"
	"fmt"

	"tollgate/internal/access"
	"tollgate/internal/money"
)

// Kind is what a limit counts.
type Kind uint8

const (
	// Cost is counted in nano-dollars.
	Cost Kind = iota + 1
	// Tokens of the model, input and output.
	Tokens
	// Requests that were admitted.
	Requests
	// Concurrency is the requests in flight.
	Concurrency
)

var kindNames = [...]string{Cost: "cost", Tokens: "tokens", Requests: "requests", Concurrency: "concurrency"}

func (k Kind) String() string {
	if k >= Cost && k <= Concurrency {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Per says who draws from a limit.
type Per uint8

const (
	// Each subject has the amount for itself. So has the one key of a limit that
	// belongs to a key.
	Each Per = iota
	// Pool is one amount from which all subjects draw together.
	Pool
)

// Max is the most that a limit can allow, a request can ask for and a counter can
// hold, in the unit of its kind. Sums of two never overflow.
const Max = 1<<62 - 1

// Limit can refuse a request. It is a value: whoever changes one makes another
// with the same ID, Kind and Per. A limit of Amount 0 admits nothing but what asks for
// nothing of it: requests that cost nothing.
type Limit struct {
	ID     string
	Kind   Kind
	Amount int64 // nano-dollars, tokens or requests
	Window Window
	Per    Per
	// Models are those that the limit is about; none means all of them.
	Models []access.Pattern
	// Match selects the subjects of a shared limit by their labels: all of these
	// must be there, so that an empty Match selects everybody.
	Match map[string]string
}

// Validate tells what is wrong with a limit by itself.
func (l *Limit) Validate() error {
	switch {
	case l.ID == "":
		return errors.New("a limit needs an id")
	case l.Kind < Cost || l.Kind > Concurrency:
		return fmt.Errorf("limit %s counts nothing that is known", l.ID)
	case l.Amount < 0 || l.Amount > Max:
		return fmt.Errorf("limit %s: %d is not between 0 and %d", l.ID, l.Amount, int64(Max))
	case l.Per != Each && l.Per != Pool:
		return fmt.Errorf("limit %s is neither for each nor for a pool", l.ID)
	case l.Kind == Concurrency && l.Window.shape != Life:
		return fmt.Errorf("limit %s: requests in flight are not counted in a window", l.ID)
	}
	return nil
}

// Covers tells whether the limit is about a request for this model. A limit on
// models is about a request under either of its names: the one that was asked for and the
// one it resolves to.
func (l *Limit) Covers(asked, resolved string) bool {
	if len(l.Models) == 0 {
		return true
	}
	for _, p := range l.Models {
		if p.Match(asked) || p.Match(resolved) {
			return true
		}
	}
	return false
}

// Selects tells whether the limit is about a subject with these labels.
func (l *Limit) Selects(labels map[string]string) bool {
	for name, want := range l.Match {
		if have, ok := labels[name]; !ok || have != want {
			return false
		}
	}
	return true
}

// Applying gives the limits of one subject: its own and, of the shared ones, those
// that select it by its labels, in that order. It is for compiling a snapshot.
func Applying(own, shared []*Limit, labels map[string]string) []*Limit {
	all := append([]*Limit(nil), own...)
	for _, l := range shared {
		if l.Selects(labels) {
			all = append(all, l)
		}
	}
	return all
}

// subject is whose counter of the limit a subject draws from.
func (l *Limit) subject(of string) string {
	if l.Per == Pool {
		return ""
	}
	return of
}

// Amount is what one request asks for or came to. Requests and concurrency need no
// figure: a request is one.
type Amount struct {
	Cost   money.Nano
	Tokens int64
}

// of is the part of the amount that a limit of this kind counts.
func (a Amount) of(k Kind) int64 {
	switch k {
	case Cost:
		return int64(a.Cost)
	case Tokens:
		return a.Tokens
	default:
		return 1
	}
}

// orMost replaces figures that make no sense by those of most: a negative one, or one
// that no counter could hold, is never a way to pay less.
func (a Amount) orMost(most Amount) Amount {
	if a.Cost < 0 || a.Cost > Max {
		a.Cost = most.Cost
	}
	if a.Tokens < 0 || a.Tokens > Max {
		a.Tokens = most.Tokens
	}
	return a
}

// add sums two counts, neither below 0 nor above Max.
func add(a, b int64) int64 { return min(max(a+b, 0), Max) }
