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
// Reserve returns once the RESERVE row is written, so that the provider is never called
// for a request that the death of the process could make forgotten. Whoever waits for a
// row writes it, and what others have put meanwhile: that takes less than to wake a goroutine
// for it. Where many requests run at once, whoever is about to write lets those who are ready to run put
// their rows first, so that one write is of several. The end of a reservation is written soon after; if the process dies in between, the reservation
// expires with the next start and is charged its bound: the books err on the side of
// having spent. An instance of the process has a number, its run, so that a start knows
// which reservations nobody can end any more.
//
// # Power failures
//
// What is written survives the process, but not a power failure until the disk has it
// too. To wait for that would cost every request a few milliseconds. So a busy window is
// granted an escrow by a GRANT row, which is durable before it counts: up to so much of
// the window may be reserved by rows that are not durable yet. Rows become durable in
// the background within milliseconds, and free the escrow again. A request waits for the
// disk if the escrow of one of its limits has no room, if the limit itself would have no
// room for all of the escrow besides, or if there is none.
//
// Why no spending is forgotten: rows are durable in their order, those of a window are in
// the order of its admissions, and an admission is exposed only under a grant that is
// durable. So a power failure takes at most the escrow of what was admitted, and leaves
// the row that grants it. The first row of a run says how the machine had booted, and the
// last one that it ended in order. If a run did not, and the machine has booted since,
// every escrow that is still granted is charged to its window (to a sliding one as
// admitted at the start), which may take it above its amount by as much. An operator who
// knows better can adjust that.
//
// An escrow is the two-hundredth part of a limit or twice the bound of a request, and
// never more than a sixteenth of it. It ends with its window, or when nothing was admitted
// for a minute. A request or two that come alone get none: they can wait.
//
// # Pruning
//
// Rows that no start needs can be forgotten, those at the beginning first. What is left
// can be verified from its first row on, whose own place in the chain is then taken on
// trust; that the counters are what the forgotten rows came to is attested by the two
// checkpoints, which hold the hash of the row that they were made after. To prove more,
// keep copies of the ledger.
//
// # Invariants
//
// TestInvariants holds these after every step of random histories with crashes, power
// failures, changed limits and clocks that are set; TestMutants shows that it notices.
//
//	I1  A request is admitted if and only if every limit has room for its bound.
//	I2  No step takes a limit above its amount, but for what a provider reports above the
//	    bound, and for an escrow after a power failure.
//	I3  Settled is the sum of the charges, reserved that of the bounds of open reservations.
//	I4  Nothing falls below 0.
//	I5  A reservation ends once; whoever tries again is told how it ended.
//	I6  Charges and corrections go to the window of the admission.
//	I7  With no request open nothing is reserved; past its deadline none is open.
//	I8  A sliding window never sees more than its amount, also across a restart.
//	I9  A step changes only what the request's own limits count.
//	I10 What was truly used is at most settled and reserved, also after a recovery.
//	I11 What was acknowledged survives the process; after a power failure it is at least paid for.
//
// I10 rests on the bound: of what a provider bills above it, or reports late above an
// estimate, a power failure can take the report. I8 rests on the wall clock for the time in which no process ran: if it is
// set forward then, or between the last row and a crash, admissions seem older than
// they are; if it is behind what was seen before, younger.
package ledger
