package catalog_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/usage"
)

// generated is the embedded list that is made from another project's data.
func generated(t testing.TB) *catalog.Catalog {
	t.Helper()
	layers, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return catalog.New(layers[0])
}

func embedded(t testing.TB) *catalog.Catalog {
	t.Helper()
	layers, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return catalog.New(layers...)
}

// TestSourceAnswers expects of the generated list what the project that it comes
// from finds and charges itself: models by name, instants and context tiers.
func TestSourceAnswers(t *testing.T) {
	text, err := os.ReadFile("testdata/source-answers.tsv")
	if err != nil {
		t.Fatal(err)
	}
	instants := []string{"2025-01-15T03:00:00Z", "2026-09-01T05:30:00Z", "2027-02-01T07:00:00Z", "2026-09-01T17:00:00Z"}
	usages := []usage.Usage{
		{InputUncached: 10_000, OutputText: 2_000},
		{InputUncached: 5_000, CacheRead: 4_000, OutputText: 1_000},
		{InputUncached: 200_001, CacheRead: 100_000, OutputText: 3_000},
	}
	c := generated(t)
	asked, unknown := 0, 0
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		instant, _ := strconv.Atoi(f[2])
		use, _ := strconv.Atoi(f[3])
		price, err := strconv.ParseFloat(f[5], 64)
		at, bad := time.Parse(time.RFC3339, instants[instant])
		if err != nil || bad != nil {
			t.Fatal(line, err, bad)
		}
		q := c.Quote(at, f[0], f[1])
		asked++
		found := "-"
		if q.Model() != nil {
			found = q.Model().ID
		}
		// The rules of some entries do not match their own id; here an id always does.
		if found != f[4] && (f[4] != "-" || found != f[1]) {
			t.Errorf("%s %s: found %s, the source %s", f[0], f[1], found, f[4])
		}
		if f[4] == "-" {
			continue
		}
		if q.State() != catalog.Known {
			unknown++
			if price != 0 {
				t.Errorf("%s %s: %v, the source has a price", f[0], f[1], q.State())
			}
			continue
		}
		cost := q.Cost(&usages[use])
		if got := float64(cost.Total) / 1e9; math.Abs(got-price) > 2e-9+price*1e-6 {
			t.Errorf("%s %s at %s: %v, the source charges %v", f[0], f[1], instants[instant], got, price)
		}
	}
	if asked < 1000 || unknown > asked/10 {
		t.Errorf("%d names, %d without a price", asked, unknown)
	}
}

// TestGenerated makes the embedded list anew and expects the same bytes.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("installs a package from the npm registry")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is needed to make the price list anew: %v", tool, err)
		}
	}
	root := t.TempDir()
	for _, name := range []string{
		"tools/prices/package.json", "tools/prices/package-lock.json", "tools/prices/generate.mjs",
		"internal/catalog/catalog.json", "internal/catalog/LICENSE.genai-prices", "internal/catalog/testdata/source-answers.tsv",
	} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts")
	install.Dir = filepath.Join(root, "tools/prices")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("the npm registry gives no %s: %v", "@pydantic/genai-prices", strings.TrimSpace(string(out)))
	}
	check := exec.Command("node", "generate.mjs", "--check")
	check.Dir = install.Dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestEmbedded looks at what is said of the embedded lists.
func TestEmbedded(t *testing.T) {
	c := embedded(t)
	layers := c.Layers()
	if len(layers) != 2 || layers[0].Source != "genai-prices" || layers[0].Version == "" || layers[0].Date == "" {
		t.Errorf("%+v", layers)
	}
	if raw, err := os.ReadFile("LICENSE.genai-prices"); err != nil || !strings.Contains(string(raw), "MIT License") {
		t.Errorf("the licence of the source must stand beside its data: %v", err)
	}
	states := map[catalog.State]int{}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	last := ""
	for m := range c.All() {
		name := m.Provider + " " + strings.ToLower(m.ID)
		if name <= last {
			t.Errorf("%s stands behind %s", name, last)
		}
		last = name
		q := c.Quote(now, m.Provider, m.ID)
		states[q.State()]++
		if q.State() == catalog.Known && len(m.Tiers(now)) == 0 || m.Version() == "" {
			t.Errorf("%s: nothing is said of its price", name)
		}
	}
	if states[catalog.Known] < 1200 || states[catalog.Free] < 50 || states[catalog.Unknown] > 100 {
		t.Errorf("%v", states)
	}
}

func generatedJSON(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
