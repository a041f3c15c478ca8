package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// subBits is the precision of a Histogram: each power of two is cut into
// 2^subBits buckets, so that a value is off by less than 1 in 2^(subBits+1).
const subBits = 6

// maxBits bounds the values: 2^40 ns are 18 minutes.
const maxBits = 40

// Histogram counts durations in buckets of constant relative width (0.8 %).
// The zero value is empty; Record may be called from several goroutines.
type Histogram struct {
	count   atomic.Int64
	buckets [(maxBits - subBits + 1) << subBits]atomic.Int64
}

// Record counts one duration. Negative ones count as zero, those beyond 18
// minutes as 18 minutes.
func (h *Histogram) Record(d time.Duration) {
	h.count.Add(1)
	h.buckets[bucketOf(d)].Add(1)
}

// Count is the number of durations recorded.
func (h *Histogram) Count() int64 { return h.count.Load() }

// Quantile gives the duration that the fraction q of all does not exceed, by
// nearest rank; 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(q*float64(h.Count()))))
	var seen int64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= rank {
			return middleOf(i)
		}
	}
	return 0
}

func bucketOf(d time.Duration) int {
	v := uint64(min(max(d, 0), 1<<maxBits-1))
	shift := max(0, bits.Len64(v)-subBits-1)
	return shift<<subBits + int(v>>shift)
}

// middleOf inverts bucketOf.
func middleOf(i int) time.Duration {
	shift := max(0, i>>subBits-1)
	low := int64(i-shift<<subBits) << shift
	return time.Duration(low + (int64(1)<<shift-1)/2)
}
