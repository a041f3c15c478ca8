package request

import (
	"github.com/go-json-experiment/json"

	"tollgate/internal/dialect"
)

// maxAlternatives bounds how many models one request may name beside its own.
const maxAlternatives = 16

// Alternatives gives the models that a request names beside its own one: those that
// OpenRouter falls back on, in the member models. Nil if there are none.
func Alternatives(op dialect.Operation, body []byte, p *Peeked) ([]string, error) {
	raw, ok := p.Value(body, "models")
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		if op == dialect.Passthrough { // whatever that is
			return nil, nil
		}
		return nil, invalid("models", "models must be a list of names.")
	}
	if len(names) > maxAlternatives {
		return nil, invalid("models", "models names more than %d models.", maxAlternatives)
	}
	return names, nil
}
