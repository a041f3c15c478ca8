// Package report turns what a benchmark measured into tables, a chart and
// verdicts. It owns the shape of the results and their arithmetic, and never
// shows a number that is not in them. It measures nothing.
package report

import (
	"math"
	"slices"
	"time"

	"tollgate/bench/proc"
)

// The subjects: what the load is sent to.
const (
	Direct   = "direct" // the fake provider itself
	Nginx    = "nginx"
	Tollgate = "tollgate"
	Limited  = "limited" // tollgate again, with limits on every key and a durable ledger
)

// Results is everything that one run of the benchmark found out.
type Results struct {
	Date       time.Time    `json:"date"`
	Machine    proc.Machine `json:"machine"`
	Versions   Versions     `json:"versions"`
	Settings   Settings     `json:"settings"`
	Scenarios  []Scenario   `json:"scenarios"`
	Footprints []Footprint  `json:"footprints"`
	Work       *Work        `json:"work,omitempty"`
}

// Versions names the programs.
type Versions struct {
	Go       string `json:"go"`
	Nginx    string `json:"nginx,omitempty"`
	Tollgate string `json:"tollgate,omitempty"`
}

// Settings is how the run was made.
type Settings struct {
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"` // measured in each round
	Keys    int     `json:"keys"`    // virtual keys, used in turn
	Pinned  bool    `json:"pinned"`  // the gateway has a core for itself
	// Repeated is how many rounds of a scenario were made once more because
	// they were disturbed.
	Repeated int `json:"repeated"`
}

// Scenario is one kind of load with its rounds.
type Scenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Stream tells that the answers are streams; their latency is that of the
	// first byte.
	Stream bool `json:"stream"`
	// Paced tells that the load, not the subject, sets the rate.
	Paced  bool    `json:"paced"`
	Rounds []Round `json:"rounds"`
}

// Round holds one sample of each subject, taken one after the other.
type Round []Sample

// Sample is one subject under one load.
type Sample struct {
	Subject   string  `json:"subject"`
	PerSecond float64 `json:"per_second"`
	// CPUMicros is the CPU time of the subject's processes for one answer;
	// 0 for Direct.
	CPUMicros float64 `json:"cpu_microseconds"`
	// Times to the end of an answer and to the first byte of its body.
	P50Micros      float64 `json:"p50_microseconds"`
	P99Micros      float64 `json:"p99_microseconds"`
	FirstP50Micros float64 `json:"first_byte_p50_microseconds"`
	FirstP99Micros float64 `json:"first_byte_p99_microseconds"`
	// OtherLoad is the fraction of the gateway's core, or of the load's if that
	// is more, that others used; 0 where nothing is pinned.
	OtherLoad float64 `json:"other_load"`
}

// Footprint is what a subject needs to be there at all.
type Footprint struct {
	Subject     string    `json:"subject"`
	StartMillis []float64 `json:"start_milliseconds"` // to the first answer, one for each start
	IdleBytes   int64     `json:"idle_bytes"`
	Streams     int       `json:"streams"`
	StreamBytes int64     `json:"stream_bytes"` // resident with Streams open
}

// Work compares what tollgate was asked with what it says it did.
type Work struct {
	Requests int64 `json:"requests"`
	LogLines int64 `json:"log_lines"`
	Metered  int64 `json:"metered"`
}

// Spread is the median of some values with their extremes.
type Spread struct{ Median, Min, Max float64 }

// SpreadOf gives the spread of values and false if there are none.
func SpreadOf(values []float64) (Spread, bool) {
	if len(values) == 0 {
		return Spread{}, false
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}, true
}

// find gives the sample of a subject in a round.
func (r Round) find(subject string) (Sample, bool) {
	i := slices.IndexFunc(r, func(s Sample) bool { return s.Subject == subject })
	if i < 0 {
		return Sample{}, false
	}
	return r[i], true
}

// Of gives the spread of a value of one subject over the rounds.
func (s *Scenario) Of(subject string, value func(Sample) float64) (Spread, bool) {
	var values []float64
	for _, round := range s.Rounds {
		if sample, ok := round.find(subject); ok {
			values = append(values, value(sample))
		}
	}
	return SpreadOf(values)
}

// Against combines a value of two subjects in each round. Rounds in which the
// combination is no number do not count.
func (s *Scenario) Against(a, b string, value func(Sample) float64, combine func(a, b float64) float64) (Spread, bool) {
	var values []float64
	for _, round := range s.Rounds {
		sampleA, okA := round.find(a)
		sampleB, okB := round.find(b)
		if !okA || !okB {
			continue
		}
		if v := combine(value(sampleA), value(sampleB)); !math.IsNaN(v) && !math.IsInf(v, 0) {
			values = append(values, v)
		}
	}
	return SpreadOf(values)
}

// The values of a sample, and how two of them compare.
var (
	perSecond = func(s Sample) float64 { return s.PerSecond }
	cpu       = func(s Sample) float64 { return s.CPUMicros }
	p50       = func(s Sample) float64 { return s.P50Micros }
	p99       = func(s Sample) float64 { return s.P99Micros }
	firstP50  = func(s Sample) float64 { return s.FirstP50Micros }
	firstP99  = func(s Sample) float64 { return s.FirstP99Micros }

	ratio      = func(a, b float64) float64 { return a / b }
	difference = func(a, b float64) float64 { return a - b }
)

// scenario gives a scenario by its name, or nil.
func (r *Results) scenario(name string) *Scenario {
	for i := range r.Scenarios {
		if r.Scenarios[i].Name == name {
			return &r.Scenarios[i]
		}
	}
	return nil
}

func (r *Results) footprint(subject string) *Footprint {
	for i := range r.Footprints {
		if r.Footprints[i].Subject == subject {
			return &r.Footprints[i]
		}
	}
	return nil
}

// Tolerable is the OtherLoad up to which a sample counts as undisturbed.
const Tolerable = 0.10

// Disturbance is the OtherLoad of the sample that suffered most.
func (r Round) Disturbance() float64 {
	most := 0.0
	for _, sample := range r {
		most = max(most, sample.OtherLoad)
	}
	return most
}

// Disturbance is the spread of OtherLoad over all samples.
func (r *Results) Disturbance() (Spread, bool) {
	var values []float64
	for _, s := range r.Scenarios {
		for _, round := range s.Rounds {
			for _, sample := range round {
				values = append(values, sample.OtherLoad)
			}
		}
	}
	return SpreadOf(values)
}

// disturbed lists the scenarios of which half of the rounds or more are not to
// be trusted.
func (r *Results) disturbed() []string {
	var titles []string
	for _, s := range r.Scenarios {
		n := 0
		for _, round := range s.Rounds {
			if round.Disturbance() > Tolerable {
				n++
			}
		}
		if n > 0 && 2*n >= len(s.Rounds) {
			titles = append(titles, s.Title)
		}
	}
	return titles
}
