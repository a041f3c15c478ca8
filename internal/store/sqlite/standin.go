package sqlite

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// A shared limit that is lost must not let everybody spend whom it was to stop, and nobody knows any more
// who that was. In its place comes one that stops every key, until an operator makes it what it was
// or deletes it.

// standInName is what stands behind the name of a stand-in that has nothing of the limit but that.
const standInName = " (lost)"

// standIn is for the limit of a row that is not what was written. If the row can be read in spite of that it
// counts what the limit counted, under its id: to make it what it was keeps what is spent.
func (r *objectRow) standIn() *store.SharedLimit {
	l := lostLimit(r.name)
	var d sharedLimitDoc
	if n := len(r.doc) - len("#00000000"); n < 0 || json.Unmarshal(r.doc[:n], &d) != nil {
		return l
	}
	was, err := new(decoder).limit(&d.Limit)
	if err != nil || was.ID != r.id || was.Validate() != nil {
		return l
	}
	was.Amount, was.Models, was.Match = 0, nil, nil
	l.Name, l.Limit = r.name, was
	if d.Origin == vkey.Declared { // so the configuration makes it what it was
		l.Origin = vkey.Declared
	}
	return l
}

// lostLimit is for a limit of which at most the name is known.
func lostLimit(name string) *store.SharedLimit {
	return &store.SharedLimit{
		Name: name + standInName, Limit: budget.Limit{ID: "lim_" + rand.Text()[:12], Kind: budget.Requests, Per: budget.Pool},
		Origin: vkey.Managed, CreatedAt: time.Now().UTC(), CreatedBy: "repair",
	}
}
