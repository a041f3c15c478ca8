package catalog_test

import (
	"testing"

	"tollgate/internal/catalog"
)

// A list that does not tell its date has the one it is given; one that does keeps it.
func TestDated(t *testing.T) {
	for own, want := range map[string]string{"": "2026-11-21", `"date":"2026-01-02",`: "2026-01-02"} {
		l, err := catalog.ParseOwn("list", []byte(`{"format":"tollgate/prices/1",`+own+`"providers":{"openai":{"models":{"m":{"rates":{"input":"1"}}}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		before := l.Origin()
		dated := l.Dated("2026-11-21")
		if dated.Origin().Date != want || l.Origin() != before {
			t.Errorf("%q: %+v, before %+v, now %+v", own, dated.Origin(), before, l.Origin())
		}
		if m := catalog.New(dated).Model("openai", "m"); m.Origins()[0].Date != want {
			t.Errorf("%q: a price is of %+v", own, m.Origins())
		}
	}
}
