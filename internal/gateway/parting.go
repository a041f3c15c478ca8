package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/dialect"
)

// CallerLeft is what becomes of an answer whose caller left before its end.
type CallerLeft uint8

// The policies.
const (
	// LeftFinish stops the provider at once while it generates a stream. It waits for the
	// usage where nothing is left to stop, because the model has ended, and where nothing
	// can be had in part, because the answer is no stream.
	LeftFinish CallerLeft = iota
	LeftStop              // stops the provider at once, whatever it does
	LeftWait              // always waits for the usage
)

// usageWait is how long usage is waited for behind a caller who left.
const usageWait = 2 * time.Second

// parting is what becomes of an exchange whose caller leaves. What is done for a caller has a
// context of its own, which ends with the caller's: at once, or when the usage that is still
// to come has been waited for.
type parting struct {
	caller  context.Context
	ctx     context.Context // of what is done for the caller
	cancel  context.CancelCauseFunc
	hurry   <-chan struct{} // nobody is to be waited for any more
	stop    func() bool     // ends the watch on the caller
	leaving sync.WaitGroup  // the watch, and what it has begun

	patient atomic.Bool // usage is worth waiting for
	deaf    bool        // the caller is there and takes no more
	unheard int         // bytes that were read for the usage alone
}

// attend begins to watch the caller, and gives the context of what is done for it. End it.
func (x *exchange) attend(ctx context.Context, hurry <-chan struct{}) context.Context {
	p := &x.parting
	p.caller, p.hurry = ctx, hurry
	p.ctx, p.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	if x.whenLeft == nil {
		x.whenLeft = p.left
	}
	p.leaving.Add(1)
	p.stop = context.AfterFunc(ctx, x.whenLeft)
	return p.ctx
}

// end ends what is done for the caller, and the watch.
func (p *parting) end() {
	p.cancel(nil)
	if p.stop() {
		p.leaving.Done()
	}
	p.leaving.Wait()
}

// left is told that the context of the caller is over. Only one who hung up is worth a wait:
// any other end has its reasons.
func (p *parting) left() {
	defer p.leaving.Done()
	why := context.Cause(p.caller)
	if why == context.Canceled && p.patient.Load() {
		p.wait()
	}
	p.cancel(why)
}

// wait returns when usage has been waited for long enough, or for nothing.
func (p *parting) wait() {
	t := time.NewTimer(usageWait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.hurry:
	case <-p.ctx.Done():
	}
}

// deafen notes that the caller is there and takes no more, which is as good as having left.
func (p *parting) deafen() {
	p.deaf = true
	if p.patient.Load() {
		p.leaving.Go(func() {
			p.wait()
			p.cancel(context.Canceled)
		})
	}
}

// gone tells that nobody is there to take the answer.
func (p *parting) gone() bool {
	return p.deaf || p.caller != nil && p.caller.Err() != nil && errors.Is(context.Cause(p.caller), context.Canceled)
}

// left tells that the caller went away, and that it was not the gateway itself that ended
// the request.
func (x *exchange) left(ctx context.Context) bool {
	if x.upload != nil && x.upload.stopped.Load() {
		return false // the server takes what cannot be read any more for a caller who left
	}
	return x.parting.gone() && cutBy(ctx) == nil
}

// expect decides, before something is awaited, whether it is worth waiting for when the caller
// leaves: a stream, or an answer that cannot be had in part.
func (x *exchange) expect(stream bool) {
	x.parting.patient.Store(x.reportsUsage() && (x.snap.CallerLeft == LeftWait || x.snap.CallerLeft == LeftFinish && !stream))
}

// expectUsage notes that the model may have ended: what is still to come of the stream costs
// nothing, and says what the rest did.
func (x *exchange) expectUsage(a *answer) {
	if x.snap.CallerLeft == LeftFinish && !x.parting.patient.Load() && a.meter.Stopped() >= max(1, x.peeked.N) && x.reportsUsage() {
		x.parting.patient.Store(true)
	}
}

// expectNothing makes the end of the caller that of all that is done for it.
func (x *exchange) expectNothing() { x.parting.patient.Store(false) }

// readOn notes that nobody takes the answer, and tells whether it is worth reading on for its
// usage, after n bytes more.
func (x *exchange) readOn(a *answer, n int) bool {
	x.cut()
	p := &x.parting
	p.unheard += n
	return p.patient.Load() && p.unheard <= x.snap.MaxAnswer && !a.meter.Reading().Finished
}

// reportsUsage tells whether the answer can say what it costs.
func (x *exchange) reportsUsage() bool {
	switch x.Operation {
	case dialect.Speech, dialect.CountTokens, dialect.Moderations, dialect.Models:
		return false
	case dialect.Passthrough:
		return x.peeked.Model != ""
	default:
		return true
	}
}
