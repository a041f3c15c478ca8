package main

import (
	"bytes"
	"strings"
	"testing"
	"text/template"
	"time"

	"tollgate/bench/report"
)

func TestCountLines(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int64
	}{
		"none":            {"", 0},
		"mixed":           {"path=/a\nstarted\npath=/a status=200\n", 2},
		"unfinished line": {"path=/a\npath=/a", 1},
		"across buffers":  {strings.Repeat("path=/a "+strings.Repeat("x", 1000)+"\n", 1000), 1000},
	} {
		got, err := countLines(strings.NewReader(tc.text), []byte("path=/a"))
		if err != nil || got != tc.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, tc.want)
		}
	}
	if _, err := countLines(strings.NewReader(strings.Repeat("x", 1<<20)), []byte("a")); err == nil {
		t.Error("no error for an endless line")
	}
}

func TestSumMetric(t *testing.T) {
	text := []byte(`# TYPE tokens histogram
tokens_count{model="a{}",kind="output"} 3
tokens_count{model="b",kind="output"} 4.5e1
tokens_count{model="b",kind="input"} 100
tokens_sum{model="b",kind="output"} 1000
`)
	if got, err := sumMetric(text, "tokens_count", `kind="output"`); err != nil || got != 48 {
		t.Errorf("sum is %d, %v", got, err)
	}
	if got, err := sumMetric(text, "other_count", `kind="output"`); err != nil || got != 0 {
		t.Errorf("sum of nothing is %d, %v", got, err)
	}
	for _, bad := range []string{"tokens_count{kind=\"output\"} many\n", "tokens_count{kind=\"output\"}\n"} {
		if _, err := sumMetric([]byte(bad), "tokens_count", `kind="output"`); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestChoose(t *testing.T) {
	if all, footprint, err := choose(""); err != nil || len(all) != len(scenarios) || !footprint {
		t.Errorf("all: %v, %v, %v", all, footprint, err)
	}
	some, footprint, err := choose(report.Burst + "," + report.JSON1)
	if err != nil || footprint || len(some) != 2 || some[0].name != report.JSON1 {
		t.Errorf("two: %v, %v, %v", some, footprint, err)
	}
	if none, footprint, err := choose("footprint"); err != nil || !footprint || len(none) != 0 {
		t.Errorf("footprint: %v, %v, %v", none, footprint, err)
	}
	if _, _, err := choose("json-2"); err == nil {
		t.Error("no error for an unknown scenario")
	}
}

// The scenarios that goals are about exist, or no goal is ever measured.
func TestGoalsHaveScenarios(t *testing.T) {
	for _, name := range []string{report.JSON1, report.JSON64, report.Burst, report.Paced} {
		if chosen, _, err := choose(name); err != nil || len(chosen) != 1 {
			t.Errorf("%s: %v, %v", name, chosen, err)
		}
	}
}

func TestFreePortsDiffer(t *testing.T) {
	addrs, err := freePorts(5)
	seen := map[string]bool{}
	for _, addr := range addrs {
		seen[addr] = true
	}
	if err != nil || len(seen) != 5 {
		t.Errorf("ports %v, %v", addrs, err)
	}
}

func TestConfigurationsAreComplete(t *testing.T) {
	data := map[string]any{
		"Dir": "/d", "Provider": "127.0.0.1:1", "Addr": "127.0.0.1:2", "StreamAddr": "127.0.0.1:3", "Admin": "127.0.0.1:4",
		"Stats": "127.0.0.1:5", "Ready": "127.0.0.1:6", "Port": "7", "Credential": "c", "Keys": []string{"k0", "k1"}, "Data": "/d", "Prices": "/d/prices.json", "Limited": true,
	}
	for _, tmpl := range []*template.Template{nginxConfig, tollgateConfig} {
		var text bytes.Buffer
		if err := tmpl.Option("missingkey=error").Execute(&text, data); err != nil {
			t.Error(err)
		}
	}
}

// Whichever core lost more time to others counts; what gateway and load used
// themselves does not.
func TestOthers(t *testing.T) {
	before := clocks{cpu: 10, gatewayCore: 100, load: 20, loadCore: 200}
	for want, after := range map[time.Duration]clocks{
		0: {cpu: 60, gatewayCore: 150, load: 50, loadCore: 230},
		7: {cpu: 60, gatewayCore: 157, load: 50, loadCore: 233},
		9: {cpu: 60, gatewayCore: 157, load: 50, loadCore: 239},
	} {
		if got := after.others(before); got != want {
			t.Errorf("others used %v, want %v", got, want)
		}
	}
}
