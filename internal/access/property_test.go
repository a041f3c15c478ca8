package access_test

import (
	"testing"

	"pgregory.net/rapid"

	"tollgate/internal/access"
)

// TestListedIsWhatBothCover holds that what is listed for a configured pattern
// covers exactly the models that both sides cover. A prefix and a suffix
// together have no pattern, so their meeting is left out.
func TestListedIsWhatBothCover(t *testing.T) {
	word := rapid.StringMatching(`[ab]{0,3}`)
	draw := func(t *rapid.T, label string) string {
		literal := word.Draw(t, label)
		switch rapid.IntRange(0, 2).Draw(t, label+" shape") {
		case 0:
			return literal + "*"
		case 1:
			return "*" + literal
		default:
			return "x" + literal
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		configured, allowed := draw(t, "configured"), draw(t, "allowed")
		model := rapid.StringMatching(`x?[ab]{0,5}`).Draw(t, "model")
		c, err := access.ParsePattern(configured)
		if err != nil {
			t.Fatal(err)
		}
		key, err := access.ParsePatterns([]string{allowed})
		if err != nil {
			t.Fatal(err)
		}
		covered := false
		for _, name := range key.List(nil, configured) {
			p, err := access.ParsePattern(name)
			if err != nil {
				t.Skip("a prefix and a suffix")
			}
			covered = covered || p.Match(model)
		}
		if both := c.Match(model) && key.Allow(model); covered != both {
			t.Fatalf("%q within %q lists %q: %q covered %v, want %v", configured, allowed, key.List(nil, configured), model, covered, both)
		}
	})
}
