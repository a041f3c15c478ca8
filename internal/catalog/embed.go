package catalog

import (
	_ "embed" // for the price lists
	"sync"
)

//go:embed catalog.json
var embedded []byte

//go:embed supplement.json
var supplement []byte

// Embedded gives the price lists that are part of the program, the undermost
// first: the generated one, and over it what that source does not have, written
// by hand. They are parsed once.
var Embedded = sync.OnceValues(func() ([]*Layer, error) {
	base, err := ParseOwn("catalog.json", embedded)
	if err != nil {
		return nil, err
	}
	more, err := ParseOwn("supplement.json", supplement)
	if err != nil {
		return nil, err
	}
	return []*Layer{base, more}, nil
})
