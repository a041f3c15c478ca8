package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/record"
)

// How far back latency is looked at.
const (
	latencyWithin = time.Hour
	latencyRows   = 1000
	latencyPages  = 10 // for which they are looked up: a page can be short
)

// latency tells how long the requests took that were served lately.
func (o *overview) latency(ctx context.Context) error {
	var whole, first []time.Duration
	q := record.Query{Outcome: "served", From: o.now.Add(-latencyWithin), Max: maxPage}
	for pages := 0; len(whole) < latencyRows && pages < latencyPages; pages++ {
		page, next, err := o.control.parts.Store.Requests().List(ctx, q)
		if err != nil {
			return fmt.Errorf("list the requests served last: %w", err)
		}
		for i := range page {
			whole = append(whole, page[i].Duration)
			if page[i].FirstByte > 0 {
				first = append(first, page[i].FirstByte)
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if len(whole) == 0 {
		return nil
	}
	slices.Sort(whole)
	slices.Sort(first)
	o.out.Latency = &admin.Latency{
		Requests: len(whole), P50: seconds(percentile(whole, 50)), P95: seconds(percentile(whole, 95)), FirstByteP50: seconds(percentile(first, 50)),
	}
	return nil
}

// percentile gives the least of some sorted durations that so many percent of them do not exceed.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
