package vkey

import (
	"fmt"
	"slices"

	"tollgate/internal/dialect"
)

// Operations is a set of operations. The zero value has all of them.
type Operations uint32

// restricted marks a set that is not of all operations, even if it is empty.
const restricted Operations = 1 << 31

// Only makes the set of some operations.
func Only(ops ...dialect.Operation) Operations {
	set := restricted
	for _, op := range ops {
		set |= 1 << op
	}
	return set
}

// Has tells whether an operation is in the set.
func (o Operations) Has(op dialect.Operation) bool { return o == 0 || o&(1<<op) != 0 }

// ParseOperations makes the set of operations by their names. No list at all is
// all operations, an empty one none. The error names every word that is none.
func ParseOperations(names []string) (Operations, error) {
	if names == nil {
		return 0, nil
	}
	set := restricted
	for _, name := range names {
		i := slices.IndexFunc(dialect.Operations(), func(op dialect.Operation) bool { return op.String() == name })
		if i < 0 {
			return 0, fmt.Errorf("%q is no operation", name)
		}
		set |= 1 << i
	}
	return set, nil
}
