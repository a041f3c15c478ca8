// Package ledger is the record of what was reserved, charged and given back, and
// the books that are kept by it. It owns the rows and their chain, what a row does to
// the counters, how a damaged or shortened record is found out, and the Books: an
// engine of package budget of which everything survives the process. It knows no
// database: where rows are kept is behind Journal.
//
// The ledger is the truth and counters are made from it. Rows are only ever added.
// Each has a checksum, and the hash of each covers all before it; a mark of the last
// one, kept elsewhere, tells when the end is missing.
//
// # What is promised
//
// Reserve returns once the RESERVE row is stored as safely as the books were told
// to, so the provider is never called for a request that could be forgotten. The end
// of a reservation is stored soon after; if the process dies in between, the
// reservation expires with the next start and is charged its bound: the books err on
// the side of having spent. An instance of the process has a number, its run, so that
// a start knows which reservations nobody can end any more.
//
// # Invariants
//
// TestInvariants holds these after every step of random histories with crashes, power
// failures, changed limits and clocks that are set; TestMutants shows that it notices.
//
//	I1  A request is admitted if and only if every limit has room for its bound.
//	I2  No step takes a limit above its amount, but for what a provider reports above the bound.
//	I3  Settled is the sum of the charges, reserved that of the bounds of open reservations.
//	I4  Nothing falls below 0.
//	I5  A reservation ends once; whoever tries again is told how it ended.
//	I6  Charges and corrections go to the window of the admission.
//	I7  With no request open nothing is reserved; past its deadline none is open.
//	I8  A sliding window never sees more than its amount, also across a restart.
//	I9  A step changes only what the request's own limits count.
//	I10 What was truly used is at most settled and reserved, also after a recovery.
//	I11 What was acknowledged survives.
//
// I10 rests on the bound: of what a provider bills above it, a power failure can take
// the report. I8 rests on the wall clock for the time in which no process ran: if it is
// set forward then, or between the last row and a crash, admissions seem older than
// they are; if it is behind what was seen before, younger.
package ledger
