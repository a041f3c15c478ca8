package standard

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"

	"tollgate/internal/provider"
)

// progress is how far an attempt came. Its fields are set by the goroutines of
// net/http.
type progress struct {
	connected, answered, reused atomic.Bool
}

func (p *progress) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { // once more if the request is repeated
			p.answered.Store(false)
			p.reused.Store(info.Reused)
			p.connected.Store(true)
		},
		GotFirstResponseByte: func() { p.answered.Store(true) },
	})
}

// stage tells how far it came. What net/http has taken of the body counts as
// written, so Write is only said of requests that cannot have been complete.
func (p *progress) stage(src *source) provider.Stage {
	switch {
	case !p.connected.Load():
		return provider.Connect
	case p.answered.Load():
		return provider.Read
	case !src.taken():
		return provider.Write
	}
	return provider.Await
}

// sendError makes the error of a failed attempt.
func sendError(ctx context.Context, stage provider.Stage, err error) error {
	failed := provider.NewSendError(ctx, stage, err)
	if ctx.Err() != nil {
		return failed
	}
	if n, ok := errors.AsType[net.Error](err); ok && stage == provider.Connect {
		failed.Timeout = n.Timeout()
	}
	if !harmless(err) {
		failed.Err = &quiet{err}
	}
	return failed
}

// harmless holds for errors whose text cannot quote what a peer has sent.
func harmless(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// quiet keeps an error's text to itself: net/http quotes malformed answers, and
// a peer may send back our own request, credential and all.
type quiet struct{ err error }

func (*quiet) Error() string {
	return "the connection failed or the answer is malformed"
}
func (q *quiet) Unwrap() error { return q.err }
