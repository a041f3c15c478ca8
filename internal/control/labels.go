package control

import (
	"context"
	"fmt"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/store"
)

const (
	labelNames  = 50
	labelValues = 100 // of each name
	// To count the labels of many keys takes a moment, so it is not done again for a while.
	manyLabelled  = 5_000
	labelsAgeMost = 10 * time.Second
)

// labelCount is a count of the labels of many keys.
type labelCount struct {
	at   time.Time
	list *admin.LabelList
}

// Labels tells which labels keys have, and how many keys have each. Of many keys the answer may be some
// seconds old.
func (c *Control) Labels(ctx context.Context, _ Call) (*admin.LabelList, error) {
	now := c.parts.Now()
	if known := c.labels.Load(); known != nil && now.Sub(known.at).Abs() < labelsAgeMost {
		return known.list, nil
	}
	out := &admin.LabelList{Labels: []admin.LabelName{}}
	var keys int64
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		labels, more, err := tx.Keys().Labels(labelNames, labelValues)
		if err != nil {
			return err
		}
		for i := range labels {
			out.Labels = append(out.Labels, labelForm(&labels[i]))
		}
		out.More = more
		keys, err = tx.Keys().Count(store.KeyQuery{Now: now})
		return err
	})
	if err != nil {
		return nil, asError(fmt.Errorf("count the labels of keys: %w", err))
	}
	if keys > manyLabelled {
		c.labels.Store(&labelCount{now, out})
	}
	return out, nil
}

func labelForm(l *store.LabelCount) admin.LabelName {
	out := admin.LabelName{Name: l.Name, Keys: l.Keys, More: l.More, Values: make([]admin.LabelValue, len(l.Values))}
	for i, v := range l.Values {
		out.Values[i] = admin.LabelValue(v)
	}
	return out
}
