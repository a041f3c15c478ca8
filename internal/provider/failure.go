package provider

import (
	"context"
	"errors"
)

// NewSendError makes the error of an attempt that failed with err at stage. If
// ctx is over it was that which ended the attempt, whatever the connection said
// when it was torn down, so the cause of ctx stands in for err.
func NewSendError(ctx context.Context, stage Stage, err error) *SendError {
	over := ctx.Err()
	if over == nil {
		return &SendError{Stage: stage, Err: err}
	}
	cause := context.Cause(ctx)
	failed := &SendError{Stage: stage, Timeout: isTimeout(over) || isTimeout(cause), Err: cause}
	if !errors.Is(cause, over) {
		failed.Err = &endedError{over: over, cause: cause}
	}
	return failed
}

// endedError tells why a context ended and still matches context.Canceled or
// context.DeadlineExceeded.
type endedError struct{ over, cause error }

func (e *endedError) Error() string   { return e.over.Error() + ": " + e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.over, e.cause} }

// isTimeout holds for the deadline errors of context, os and net, and for
// causes of our own that say so.
func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}
