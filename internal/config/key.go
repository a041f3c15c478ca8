package config

import (
	"errors"

	"go.yaml.in/yaml/v3"
)

// ReadKey reads a virtual key that is declared elsewhere than in a configuration, from a
// JSON object with the fields of an APIKey, and checks it like Load does. Texts are taken as
// they stand: they name no variable and no file. Positions are those of at and below. The
// problems tell everything that is wrong; the key is not to be used if there are any.
func ReadKey(text []byte, at Position) (*APIKey, []Problem) {
	d := newDecoder(at.File, Options{Literal: true, ReadFile: func(string) ([]byte, error) {
		return nil, errors.New("files cannot be named here")
	}})
	k := &APIKey{}
	if root := d.parse(text); root != nil {
		unplaced(root)
		d.check(root, at.Path)
		d.decode(root, k, at.Path)
		d.report.step()
		d.apiKey(k)
	}
	return k, d.report.Problems
}

// unplaced takes away the lines of a text that nobody wrote as it stands.
func unplaced(n *yaml.Node) {
	n.Line, n.Column = 0, 0
	for _, c := range n.Content {
		unplaced(c)
	}
}
