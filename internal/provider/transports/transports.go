// Package transports chooses the transport for an endpoint. It knows which can
// do what, and nothing of how they do it.
package transports

import (
	"context"

	"tollgate/internal/provider"
	"tollgate/internal/provider/lean"
	"tollgate/internal/provider/standard"
)

// Chooser sends each request with the cheapest transport that can do what its
// endpoint asks for. The zero Chooser is ready for use.
type Chooser struct {
	lean     lean.Transport
	standard standard.Transport
}

var _ provider.Transport = (*Chooser)(nil)

// New gives a Chooser without connections.
func New() *Chooser { return new(Chooser) }

// Send implements provider.Transport.
func (c *Chooser) Send(ctx context.Context, req *provider.Request) (*provider.Response, error) {
	if req.Endpoint.HTTP2 || req.Endpoint.Proxy != "" {
		return c.standard.Send(ctx, req)
	}
	return c.lean.Send(ctx, req)
}

// CloseIdle closes the connections that are not in use.
func (c *Chooser) CloseIdle() {
	c.lean.CloseIdle()
	c.standard.CloseIdle()
}

// Close closes the connections that are not in use, and lets those in use close
// when their exchanges end.
func (c *Chooser) Close() {
	c.lean.Close()
	c.standard.Close()
}
