package history

import (
	"maps"
	"time"

	"tollgate/internal/gateway"
)

// Whoever holds a key, and whoever has none, may be refused as often as they like, and must not be
// able to fill the disk with that, which the ledger is on as well. So of the refusals of a key with
// the same code so many a minute have records of their own; the others share one.
const (
	eachOwn  = 60
	perTurn  = time.Minute
	perModel = 8 // records that are shared, by what else sums are made by; the last is for all other models
	// maxCrowds bounds the keys and codes that are looked after at once.
	maxCrowds = 16 << 10
)

// crowds are the refusals of the last minute, or since the database last took something.
type crowds map[crowd]*crowding

// crowd is what refusals have in common that are alike.
type crowd struct {
	key, code string
	outcome   gateway.Outcome
}

type crowding struct {
	own    int    // records of their own
	shared []note // records that stand for others as well
}

// take tells whether an exchange is a refusal of so many that it has no record of its own, and
// notes it then in one that is shared.
func (all crowds) take(x *gateway.Exchange) bool {
	if x.Err == nil || len(x.Attempts) > 0 || x.Caller == nil {
		return false
	}
	of := crowd{x.Caller.KeyID, x.Err.Code, x.Outcome}
	c := all[of]
	if c == nil {
		if len(all) >= maxCrowds {
			return false
		}
		c = &crowding{}
		all[of] = c
	}
	if c.own < eachOwn {
		c.own++
		return false
	}
	n, fresh := c.like(x)
	before := n.row
	n.take(x)
	if !fresh {
		n.row.Repeated = before.Repeated + 1
		if before.Asked != x.ModelAsked {
			n.row.Asked = "" // of more than one
		}
	}
	return true
}

// like gives the shared record in which an exchange is counted, so that the sums of records
// are those of exchanges: by hour, by labels, and by model as far as there are few.
func (c *crowding) like(x *gateway.Exchange) (n *note, fresh bool) {
	models := 0
	for i := range c.shared {
		n := &c.shared[i]
		if !n.row.At.Truncate(time.Hour).Equal(x.Started.Truncate(time.Hour)) || !maps.Equal(n.row.Labels, x.Caller.Labels) {
			continue
		}
		if models++; n.row.Asked == x.ModelAsked || models == perModel {
			return n, false
		}
	}
	c.shared = append(c.shared, note{})
	return &c.shared[len(c.shared)-1], true
}
