package usage_test

import (
	"testing"

	"tollgate/internal/usage"
)

func TestSplits(t *testing.T) {
	tests := []struct {
		name                      string
		total, read, write, hour  int64
		output, reasoning         int64
		uncached, five, one, text int64
		clamped                   bool
	}{
		{name: "parts of a whole", total: 100, read: 60, write: 30, hour: 10, output: 50, reasoning: 20, uncached: 10, five: 20, one: 10, text: 30},
		{name: "nothing left", total: 90, read: 60, write: 30, output: 20, reasoning: 20, five: 30},
		{name: "more read than there is", total: 50, read: 60, clamped: true},
		{name: "more written than there is", total: 50, read: 40, write: 20, five: 20, clamped: true},
		{name: "more reasoning than output", output: 5, reasoning: 8, clamped: true},
		{name: "more for an hour than written", total: 20, write: 10, hour: 15, uncached: 10, one: 10, clamped: true},
	}
	for _, tt := range tests {
		var u usage.Usage
		u.SplitWrites(tt.write, tt.hour)
		u.SplitInput(tt.total, tt.read, u.CacheWrite5m, u.CacheWrite1h)
		u.SplitOutput(tt.output, tt.reasoning)
		if u.InputUncached != tt.uncached || u.CacheRead != tt.read || u.CacheWrite5m != tt.five || u.CacheWrite1h != tt.one ||
			u.OutputText != tt.text || u.OutputReasoning != tt.reasoning || u.Clamped != tt.clamped {
			t.Errorf("%s: %+v", tt.name, u)
		}
		if !tt.clamped && (u.Input() != tt.total || u.Output() != tt.output || u.CacheWrite() != tt.write) {
			t.Errorf("%s: sums %d, %d, %d", tt.name, u.Input(), u.Output(), u.CacheWrite())
		}
	}
}

func TestAddTokens(t *testing.T) {
	part := usage.Usage{InputUncached: 1, CacheRead: 2, CacheWrite5m: 3, CacheWrite1h: 4, OutputText: 5, OutputReasoning: 6, Reported: usage.CacheRead}
	sum := usage.Usage{Reported: usage.Reasoning}
	sum.AddTokens(&part)
	part.Clamped = true
	sum.AddTokens(&part)
	if sum.Input() != 20 || sum.Output() != 22 || sum.CacheWrite() != 14 || sum.CacheRead != 4 || !sum.Clamped || sum.Reported != usage.CacheRead|usage.Reasoning {
		t.Errorf("%+v", sum)
	}
	if got := usage.Add(usage.MaxFigure, usage.MaxFigure); got != usage.MaxFigure {
		t.Errorf("sums must saturate: %d", got)
	}
}

func TestReportAndNames(t *testing.T) {
	var u usage.Usage
	u.Report(usage.Audio, false)
	u.Report(usage.Image, true)
	if u.Reported != usage.Image {
		t.Errorf("%b", u.Reported)
	}
	for s, want := range map[usage.Source]string{usage.Absent: "absent", usage.Reported: "reported", usage.Partial: "partial", usage.Estimated: "estimated"} {
		if s.String() != want {
			t.Errorf("%d: %s", s, s)
		}
	}
}
