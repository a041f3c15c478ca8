package load_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tollgate/bench/load"
)

// The quantiles are those of the sorted values, within the width of a bucket.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"uniform":     func() time.Duration { return time.Duration(random.Int64N(int64(time.Second))) },
		"exponential": func() time.Duration { return time.Duration(random.ExpFloat64() * float64(80*time.Microsecond)) },
		"wide":        func() time.Duration { return time.Duration(math.Exp(random.Float64() * 27)) },
		"tiny":        func() time.Duration { return time.Duration(random.Int64N(200)) },
		"constant":    func() time.Duration { return 100 * time.Microsecond },
	} {
		t.Run(name, func(t *testing.T) {
			var h load.Histogram
			values := make([]time.Duration, 9973)
			for i := range values {
				values[i] = draw()
				h.Record(values[i])
			}
			slices.Sort(values)
			for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
				want := values[max(0, int(math.Ceil(q*float64(len(values))))-1)]
				got := h.Quantile(q)
				if diff := math.Abs(float64(got - want)); diff > float64(want)/128+0.5 {
					t.Errorf("quantile %v is %v, want %v", q, got, want)
				}
			}
		})
	}
}

func TestHistogramAtItsEnds(t *testing.T) {
	var h load.Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	h.Record(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("of a negative duration: %v", got)
	}
	h.Record(1000 * time.Hour)
	if got := h.Quantile(1); got < 18*time.Minute || got > 19*time.Minute {
		t.Errorf("of a duration beyond all: %v", got)
	}
	if h.Count() != 2 {
		t.Errorf("count %d", h.Count())
	}
}
