package app

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/config"
)

// The date of a price list that does not tell one is that of its file.
func TestPriceListsHaveTheDateOfTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prices.json")
	text := func(date string) []byte {
		return fmt.Appendf(nil, `{"format":"tollgate/prices/1",%s"providers":{}}`, date)
	}
	if err := os.WriteFile(file, text(""), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Prices: []config.PriceList{
		{Name: file, File: true, Text: text("")}, {Name: file, File: true, Text: text(`"date":"2026-01-02",`)},
		{Name: "config.modelCatalog[0]", Text: text("")}, {Name: "gone.json", File: true, Text: text("")},
	}}
	for i, layer := range readPrices(c, new(config.Report)) {
		if want := []string{"2026-10-03", "2026-01-02", "", ""}[i]; layer.Origin().Date != want {
			t.Errorf("list %d is of %q, want %q", i, layer.Origin().Date, want)
		}
	}
}
