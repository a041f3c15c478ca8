package gateway

import (
	"context"
	"errors"
	"time"
)

// clock bounds the time until the head of an answer is there.
type clock struct {
	timer *time.Timer
	stopf context.CancelCauseFunc
	ctx   context.Context
}

// headTimeout is the cause of an attempt that its clock ended.
type headTimeout struct{}

func (headTimeout) Error() string { return "the provider did not begin to answer in time" }

// Timeout tells transports what kind of end this is.
func (headTimeout) Timeout() bool { return true }

var errHeadTimeout error = headTimeout{}

// headClock gives a context that is cancelled unless the clock is stopped in
// time. Without a bound it gives ctx itself.
func headClock(ctx context.Context, d time.Duration) (context.Context, clock) {
	if d <= 0 {
		return ctx, clock{ctx: ctx}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, clock{timer: time.AfterFunc(d, func() { cancel(errHeadTimeout) }), stopf: cancel, ctx: ctx}
}

// stop ends the clock and tells whether it was in time.
func (c *clock) stop() bool { return c.timer == nil || c.timer.Stop() }

func (c *clock) expired() bool { return errors.Is(context.Cause(c.ctx), errHeadTimeout) }

func (c *clock) cancel() {
	if c.stopf != nil {
		c.stopf(nil)
	}
}
