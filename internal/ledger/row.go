package ledger

import (
	"fmt"

	"tollgate/internal/budget"
	"tollgate/internal/money"
)

// Kind is what a row records.
type Kind uint8

// The kinds of rows.
const (
	// Reserve sets the bound of an attempt aside, in all windows of Legs.
	Reserve Kind = iota + 1
	// Settle, Void and Expire end a reservation: with Charged, with nothing, with its bound.
	Settle
	Void
	Expire
	// Late corrects an expired or estimated reservation to Charged.
	Late
	// Adjust adds Balance.Settled to a window, for a Reason: that of an operator, or that
	// a power failure may have taken the record of so much. To a sliding window it adds
	// an admission. Without a window it is a remark.
	Adjust
	// Limit is a change of a limit. If Balance.Window differs from before, all that
	// was counted for the limit is replaced by the Open rows that follow.
	Limit
	// Open is what a window has counted already when it comes into being.
	Open
	// Close is what a window came to in the end. No row after it changes the window.
	Close
	// Grant allows that up to Amount of a window is reserved by rows that are not
	// durable yet: if they are lost, so much counts as spent. An Amount of 0 ends that.
	Grant
	// Start begins a run, on a machine that has booted as Boot says. A Reason tells what
	// was repaired before.
	Start
	// Stop ends a run in order: nothing is missing behind it.
	Stop
	// Mend goes on behind row Amount, which is not what was written: its hash should be
	// Want, and is Have. An operator wanted that.
	Mend
)

var kindNames = [...]string{
	Reserve: "RESERVE", Settle: "SETTLE", Void: "VOID", Expire: "EXPIRE", Late: "LATE",
	Adjust: "ADJUST", Limit: "LIMIT", Open: "OPEN", Close: "CLOSE",
	Grant: "GRANT", Start: "START", Stop: "STOP", Mend: "MEND",
}

func (k Kind) String() string {
	if k >= Reserve && int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("KIND(%d)", uint8(k))
}

// Source is where the figures of a charge come from.
type Source uint8

// The sources.
const (
	// None: nothing was charged.
	None Source = iota
	// Exact figures were reported by the provider.
	Exact
	// Estimated figures were counted by us.
	Estimated
	// Unknown outcomes are charged by policy.
	Unknown
	// Cut streams are charged what was delivered.
	Cut
	// Rejected figures made no sense and were replaced by the bound.
	Rejected
)

var sourceNames = [...]string{"none", "exact", "estimated", "unknown", "cut", "rejected"}

func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return fmt.Sprintf("source(%d)", uint8(s))
}

// Line is one component of a charge.
type Line struct {
	What  string // input, cached_input, output…
	Count int64
	Unit  money.Pico // the price of one at admission
}

// Row is one entry of the ledger. Fields that its Kind does not need are zero.
type Row struct {
	Seq  uint64 // 1 for the first; given by the chain
	Kind Kind
	At   budget.Instant
	Run  uint64    // of the process that wrote it
	ID   budget.ID // the reservation, if the row is about one

	Subject      string // the key
	Asked, Model string
	Bound        budget.Amount
	Deadline     int64
	Legs         []budget.Leg

	Charged budget.Amount
	Source  Source
	Price   string // version of the price list at admission
	Lines   []Line

	// Balance is the window that an Adjust, Open, Close or Grant is about; of a Limit
	// its Limit and Window.
	Balance budget.Balance
	Amount  int64  // of a limit; of a Grant; the number of a row
	Actor   string // of an Adjust or Limit
	Reason  string

	Boot       string
	Want, Have Hash
}

// Hash is the hash of a row and all before it.
type Hash [32]byte

// Mark is how far a ledger went: its last row. The zero Mark is that of an empty one.
type Mark struct {
	Seq  uint64
	Hash Hash
}

// Record is a sealed row as it is stored.
type Record struct {
	Seq   uint64
	Bytes []byte
}
