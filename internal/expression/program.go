package expression

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
)

// Program is a compiled expression. It never changes and is safe for concurrent use.
type Program struct {
	source    string
	selector  *selector   // or
	program   cel.Program // one of the two
	variables []string
	missing   []string
	truth     bool
}

// Source gives the expression as it was written.
func (p *Program) Source() string { return p.source }

// Uses tells whether the expression reads a variable, so that what is costly
// to prepare need not be where nobody asks for it: "llmRequest" needs the body,
// "response" the answer, "llm" the model call.
func (p *Program) Uses(variable string) bool { return slices.Contains(p.variables, variable) }

// Missing names the values that the expression reads and that tollgate, unlike
// agentgateway, never has. Where one is needed for the result, evaluation fails.
func (p *Program) Missing() []string { return slices.Clone(p.missing) }

// CanHold tells whether the result can be true or false at all, so that the
// expression makes sense as a condition.
func (p *Program) CanHold() bool { return p.truth }

// Bool evaluates a condition. It is an error if something it needs is absent or
// if the result is neither true nor false.
func (p *Program) Bool(in *Input) (bool, error) {
	v, err := p.eval(in)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("%s: the result is neither true nor false", p.source)
	}
	return b, nil
}

// String evaluates an expression to text; numbers, truth values and times are
// written out. It is an error if something it needs is absent or if the result
// is null or has parts.
func (p *Program) String(in *Input) (string, error) {
	v, err := p.eval(in)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case []byte:
		return string(v), nil
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case time.Duration:
		return v.String(), nil
	default:
		return "", fmt.Errorf("%s: the result has no form as text", p.source)
	}
}

// eval gives the result as a Go value.
func (p *Program) eval(in *Input) (any, error) {
	if p.selector != nil {
		return p.selector.value(in)
	}
	v, _, err := p.program.Eval(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.source, err)
	}
	return v.Value(), nil
}
