package catalog_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/meters"
)

// TestRecordedBills expects of recorded answers that carry the provider's own
// bill that we come to the same amount.
func TestRecordedBills(t *testing.T) {
	dir := os.Getenv("TOLLGATE_RECORDINGS")
	if dir == "" {
		t.Skip("TOLLGATE_RECORDINGS names no folder of recorded answers; the rules are tested on hand-written ones")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Files []struct {
			File, Provider, API, Framing string
			Extra                        map[string]any
		}
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	c := embedded(t)
	bills := 0
	for _, rec := range index.Files {
		if _, billed := rec.Extra["cost_in_usd_ticks"]; !billed || rec.API != "openai.chat" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(rec.File)))
		if err != nil {
			t.Fatal(err)
		}
		m := meters.New(dialect.OpenAI, dialect.Chat)
		if rec.Framing == "json" {
			m.Body(body)
		} else if strings.HasPrefix(rec.Framing, "json-lines") {
			for line := range bytes.Lines(body) {
				if line = bytes.TrimSpace(line); len(line) > 0 {
					m.Event(nil, line)
				}
			}
		} else {
			t.Fatalf("%s: framing %q", rec.File, rec.Framing)
		}
		r := m.Reading()
		q := c.Quote(noon, rec.Provider, r.Usage.ServedModel, r.Model)
		cost, lines := q.Itemize(&r.Usage)
		bills++
		exact := int64(0)
		for _, l := range lines {
			exact += int64(l.Cost)
		}
		if !cost.HasReported || cost.Total != cost.Reported || cost.Missing != 0 || exact != r.Usage.CostTicks*100 {
			t.Errorf("%s: we come to %v (%d pico-dollars), the bill says %v (%d ticks): %+v", rec.File, cost.Total, exact, cost.Reported, r.Usage.CostTicks, lines)
		}
	}
	if bills == 0 {
		t.Error("no recording carries a bill")
	}
}
