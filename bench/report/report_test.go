package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/bench/proc"
	"tollgate/bench/report"
)

// results is a run in which tollgate's share and CPU are as given, in each round.
func results(shares []float64, cpu float64) *report.Results {
	r := &report.Results{
		Date:     time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Machine:  proc.Machine{CPU: "Fast & <Cheap>", Cores: 2, MemoryBytes: 8e9, Kernel: "6.1"},
		Versions: report.Versions{Go: "go1.26", Nginx: "nginx/1.22", Tollgate: "abc"},
		Settings: report.Settings{Rounds: len(shares), Seconds: 3, Keys: 1000, Pinned: true, Repeated: 4},
		Footprints: []report.Footprint{
			{Subject: report.Tollgate, StartMillis: []float64{300, 20, 30}, IdleBytes: 20e6, Streams: 2000, StreamBytes: 150e6},
		},
		Work: &report.Work{Requests: 1234567, LogLines: 1234560, Metered: 1234567},
	}
	for _, name := range []string{report.JSON1, report.JSON16, report.JSON64, report.JSON256, report.Burst, report.Paced} {
		s := report.Scenario{Name: name, Title: "title of " + name, Paced: name == report.Paced, Stream: name == report.Paced}
		for i, share := range shares {
			nginx := 10000 * float64(i+1) // the machine is not the same in each round
			s.Rounds = append(s.Rounds, report.Round{
				{Subject: report.Direct, PerSecond: 1.5 * nginx, P50Micros: 20},
				{Subject: report.Tollgate, PerSecond: share * nginx, CPUMicros: cpu, P50Micros: 120, P99Micros: 900, FirstP50Micros: 77777, OtherLoad: 0.5},
				{Subject: report.Nginx, PerSecond: nginx, CPUMicros: 20, P50Micros: 60},
				// With limits it keeps twice the share that it has of nginx.
				{Subject: report.Limited, PerSecond: 2 * share * share * nginx, CPUMicros: 60, P50Micros: 120 + 1000*(1-share)},
			})
		}
		r.Scenarios = append(r.Scenarios, s)
	}
	return r
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   report.Spread
	}{
		{[]float64{3}, report.Spread{Median: 3, Min: 3, Max: 3}},
		{[]float64{9, 1, 2}, report.Spread{Median: 2, Min: 1, Max: 9}},
		{[]float64{9, 1, 2, 4}, report.Spread{Median: 3, Min: 1, Max: 9}},
	} {
		if got, ok := report.SpreadOf(tc.values); !ok || got != tc.want {
			t.Errorf("spread of %v is %v", tc.values, got)
		}
	}
	if _, ok := report.SpreadOf(nil); ok {
		t.Error("nothing has a spread")
	}
}

// A share is formed within a round; the share of medians would be another.
func TestSharesAreOfTheSameRound(t *testing.T) {
	r := results([]float64{0.4, 0.5, 0.3}, 40)
	goal := r.Goals()[0]
	if goal.Found != "0.40 (0.30–0.50)" || goal.Verdict != report.Met {
		t.Errorf("goal %+v", goal)
	}
	ratio := func(a, b float64) float64 { return a / b }
	perSecond := func(s report.Sample) float64 { return s.PerSecond }
	if _, ok := r.Scenarios[0].Against(report.Tollgate, "haproxy", perSecond, ratio); ok {
		t.Error("a share of what was not measured")
	}
	cpu := func(s report.Sample) float64 { return s.CPUMicros }
	if got, ok := r.Scenarios[0].Against(report.Tollgate, report.Direct, cpu, ratio); ok {
		t.Errorf("a share of nothing: %v", got)
	}
}

func TestGoals(t *testing.T) {
	verdicts := func(r *report.Results) []string {
		var all []string
		for _, g := range r.Goals() {
			all = append(all, g.Verdict)
		}
		return all
	}
	met, aim, missed, not := report.Met, report.AimMet, report.Missed, report.NotMeasured
	for name, tc := range map[string]struct {
		results *report.Results
		want    []string
	}{
		"good":    {results([]float64{0.5}, 44), []string{aim, aim, met, met, aim, aim, aim, met, met, met, met}},
		"middle":  {results([]float64{0.35}, 44), []string{met, met, met, met, met, met, met, missed, met, met, met}},
		"low":     {results([]float64{0.29}, 45), []string{missed, missed, missed, met, missed, missed, missed, missed, met, met, met}},
		"nothing": {&report.Results{}, []string{not, not, not, not, not, not, not, not, not, not, not}},
	} {
		if got := verdicts(tc.results); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	heavy := results([]float64{0.4}, 40)
	for i := range heavy.Scenarios[0].Rounds[0] {
		if s := &heavy.Scenarios[0].Rounds[0][i]; s.Subject == report.Tollgate {
			s.P50Micros = 171
		}
	}
	heavy.Footprints[0] = report.Footprint{Subject: report.Tollgate, StartMillis: []float64{100}, IdleBytes: 40e6, Streams: 2000, StreamBytes: 200e6}
	if got := append(verdicts(heavy)[3:4], verdicts(heavy)[8:]...); !reflect.DeepEqual(got, []string{missed, missed, missed, missed}) {
		t.Errorf("heavy: %v", got)
	}
	heavy.Footprints[0].Streams = 1000
	if got := verdicts(heavy)[8]; got != not {
		t.Errorf("memory with too few streams: %v", got)
	}
}

func TestMarkdown(t *testing.T) {
	text := results([]float64{0.4, 0.5, 0.3}, 40).Markdown()
	for _, want := range []string{
		"1 March 2026: Fast & <Cheap>, 2 cores, 8.0 GB, Linux 6.1; go1.26, nginx/1.22, tollgate abc.",
		"| title of json-64 | 30,000 | 20,000 | 9,000 | **0.40** (0.30–0.50) | 20.0 | 40.0 | **2.00** (2.00–2.00) |",
		"| title of json-1 | 20.0 | 60.0 | 120 | 40 (40–40) | 100 (100–100) |",
		"| set by the load |",
		"| title of json-64 | 9,000 | 5,400 | **0.80** (0.60–1.00) | 40.0 | 60.0 | 120 | 720 | 600 (500–700) |",
		"| tollgate | 30 ms (20–300) | 20.0 MB | 150.0 MB (2,000) |",
		"took 0 % of a core (median; 50 % at worst); 4 rounds were repeated because it was more than 10 %",
		"**Not to be trusted, because the machine was busy with something else:** title of json-1; title of json-16; title of json-64;",
		"Of the 1,234,567 requests that tollgate answered, its access log shows 1,234,560",
		"| title of paced-64 | – | – | 77,777 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	quiet := results([]float64{0.4, 0.5, 0.3}, 40)
	for _, s := range quiet.Scenarios {
		for _, round := range s.Rounds[1:] {
			for i := range round {
				round[i].OtherLoad = 0.1
			}
		}
	}
	if text := quiet.Markdown(); strings.Contains(text, "Not to be trusted") {
		t.Errorf("one disturbed round of three makes\n%s", text)
	}
	// What was not measured is not shown as a number.
	if text := (&report.Results{}).Markdown(); strings.Contains(text, "NaN") || strings.Contains(text, "connections |") {
		t.Errorf("nothing measured gives\n%s", text)
	}
}

func TestChartIsXML(t *testing.T) {
	for _, r := range []*report.Results{results([]float64{0.4, 0.5}, 40), {}} {
		chart := string(r.Chart())
		for d := xml.NewDecoder(strings.NewReader(chart)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, chart)
			}
		}
		if strings.Contains(chart, "NaN") || strings.Contains(chart, "%!") || strings.Contains(chart, "Inf") {
			t.Errorf("chart\n%s", chart)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	want := results([]float64{0.4, 0.5}, 40)
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := report.Read(filepath.Join(dir, "results.json")); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v", got, err)
	}
	for _, name := range []string{"results.md", "benchmark.svg"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteDocument(t *testing.T) {
	base := filepath.Join(t.TempDir(), "docs", "benchmarks")
	r := results([]float64{0.4}, 40)
	if err := r.WriteDocument(base); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(base + ".md")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(base), "images", "benchmark.svg")); err != nil {
		t.Error(err)
	}
	// What people wrote around the section stays, the section is replaced.
	own := "Before.\n\n" + string(first) + "\nAfter.\n"
	if err := os.WriteFile(base+".md", []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Versions.Tollgate = "def"
	if err := r.WriteDocument(base); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(base + ".md")
	if want := strings.Replace(own, "tollgate abc", "tollgate def", 1); err != nil || string(second) != want {
		t.Errorf("document is\n%s\nwant\n%s", second, want)
	}
	if err := os.WriteFile(base+".md", []byte("no markers"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteDocument(base); err == nil {
		t.Error("a document without markers was overwritten")
	}
}

func TestWriteSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	r := results([]float64{0.4}, 40)
	if err := r.WriteSummary(path, "docs/benchmarks"); err == nil {
		t.Error("a document that does not exist was written")
	}
	if err := os.WriteFile(path, []byte("Before.\n<!-- benchmark: begin (written by make bench, do not edit) -->\nold\n<!-- benchmark: end -->\nAfter.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteSummary(path, "docs/benchmarks"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Before.\n", "\nAfter.\n", "(docs/images/benchmark.svg)", "(docs/benchmarks.md)", "| goal |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the summary lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the former summary is still there")
	}
}
