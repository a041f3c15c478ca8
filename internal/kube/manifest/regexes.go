package manifest

import (
	"math"
	"regexp/syntax"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const (
	// maxRegex bounds the size of one regular expression, maxRegexes that of all of a route,
	// in steps of the program that an expression is compiled to: repetitions make a
	// short text a large one, and whoever may write a route shares the memory with all others.
	maxRegex, maxRegexes = 10_000, 50_000
)

// checkRegex checks an expression as it will be used, for the whole of a text.
func checkRegex(text string) fault {
	if text == "" {
		return unsupported("an empty regular expression matches nothing")
	}
	parsed, err := syntax.Parse("^(?:"+text+")$", syntax.Perl)
	switch {
	case err != nil:
		return unsupported("%q is no regular expression that RE2 understands: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	case size(parsed) > maxRegex:
		return unsupported("the regular expression %q is too large: about %d steps, of %d that are allowed; repeat less", text, size(parsed), maxRegex)
	}
	return fault{}
}

// size tells about how large an expression is once it is compiled: the steps of its program,
// and the tables of its classes, which repetitions share.
func size(e *syntax.Regexp) int { return min(steps(e)+tables(e), math.MaxInt32) }

func steps(e *syntax.Regexp) int {
	own, inner := 1, 0
	if e.Op == syntax.OpLiteral {
		own = len(e.Rune)
	}
	for _, s := range e.Sub {
		inner += steps(s)
	}
	if e.Op == syntax.OpRepeat {
		inner = (inner + 1) * max(e.Min, e.Max, 1)
	}
	return own + inner
}

func tables(e *syntax.Regexp) int {
	total := 0
	if e.Op == syntax.OpCharClass {
		total = len(e.Rune) / 8
	}
	for _, s := range e.Sub {
		total += tables(s)
	}
	return total
}

// regexSize tells how large the expressions of a route are together that could be served.
func regexSize(r *gatewayv1.HTTPRoute) int {
	total := 0
	add := func(regular bool, text string) {
		if !regular {
			return
		}
		if parsed, err := syntax.Parse(text, syntax.Perl); err == nil && size(parsed) <= maxRegex {
			total += size(parsed)
		}
	}
	for i := range r.Spec.Rules {
		for j := range r.Spec.Rules[i].Matches {
			m := &r.Spec.Rules[i].Matches[j]
			if m.Path != nil {
				add(or(m.Path.Type, "") == gatewayv1.PathMatchRegularExpression, or(m.Path.Value, ""))
			}
			for _, h := range m.Headers {
				add(or(h.Type, "") == gatewayv1.HeaderMatchRegularExpression, h.Value)
			}
			for _, q := range m.QueryParams {
				add(or(q.Type, "") == gatewayv1.QueryParamMatchRegularExpression, q.Value)
			}
		}
	}
	return total
}
