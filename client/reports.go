package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"tollgate/api/admin"
)

// Models gives all that can be called.
func (c *Client) Models(ctx context.Context) (*admin.ModelList, error) {
	return get[admin.ModelList](ctx, c, "/models", nil)
}

// Providers gives all providers, with what the server saw of their targets.
func (c *Client) Providers(ctx context.Context) (*admin.ProviderList, error) {
	return get[admin.ProviderList](ctx, c, "/providers", nil)
}

// PriceFilter selects prices.
type PriceFilter struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit"`
	Text   string `query:"q"` // words in the name of the model or its provider
	// Model asks for the prices of one model alone, with every provider that has it;
	// "provider/model" is about one provider.
	Model string `query:"model"`
}

// Prices gives one page of the prices that a filter selects.
func (c *Client) Prices(ctx context.Context, f PriceFilter) (*admin.PriceList, error) {
	return get[admin.PriceList](ctx, c, "/prices", f)
}

// PriceOverrides gives the operator's own price list.
func (c *Client) PriceOverrides(ctx context.Context) (*admin.PriceOverrides, error) {
	return get[admin.PriceOverrides](ctx, c, "/prices/overrides", nil)
}

// SetPriceOverrides replaces the operator's own price list, which has the format
// tollgate/prices/1. It holds for what is requested from now on.
func (c *Client) SetPriceOverrides(ctx context.Context, list json.RawMessage, opts ...Option) (*admin.PriceOverrides, error) {
	return send[admin.PriceOverrides](ctx, c, http.MethodPut, "/prices/overrides", list, opts...)
}

// Usage gives sums over a period.
func (c *Client) Usage(ctx context.Context, f admin.UsageFilter) (*admin.Usage, error) {
	return get[admin.Usage](ctx, c, "/usage", f)
}

// UsageCSV gives the same sums as CSV. The caller closes what it reads.
func (c *Client) UsageCSV(ctx context.Context, f admin.UsageFilter) (io.ReadCloser, error) {
	return c.open(ctx, "/usage.csv", "text/csv", f)
}

// Requests gives one page of the requests that a filter selects, the newest first.
func (c *Client) Requests(ctx context.Context, f admin.RequestFilter) (*admin.RequestList, error) {
	return get[admin.RequestList](ctx, c, "/requests", f)
}

// AllRequests goes through all requests that a filter selects, from its cursor on.
func (c *Client) AllRequests(ctx context.Context, f admin.RequestFilter) iter.Seq2[*admin.Request, error] {
	return pages(f.Cursor, func(cursor string) ([]admin.Request, string, error) {
		f.Cursor, f.Limit = cursor, fullPage
		page, err := c.Requests(ctx, f)
		if err != nil {
			return nil, "", err
		}
		return page.Requests, page.Next, nil
	})
}

// Request gives one request.
func (c *Client) Request(ctx context.Context, id string) (*admin.Request, error) {
	path, err := item("/requests", id, "")
	if err != nil {
		return nil, err
	}
	return get[admin.Request](ctx, c, path, nil)
}

// Why explains the refusal or the price of a request.
func (c *Client) Why(ctx context.Context, id string) (*admin.Explanation, error) {
	path, err := item("/requests", id, "/why")
	if err != nil {
		return nil, err
	}
	return get[admin.Explanation](ctx, c, path, nil)
}

// Events gives one page of the audit trail, the newest first.
func (c *Client) Events(ctx context.Context, f admin.EventFilter) (*admin.EventList, error) {
	return get[admin.EventList](ctx, c, "/audit", f)
}

// AllEvents goes through all audit events that a filter selects, from its cursor on.
func (c *Client) AllEvents(ctx context.Context, f admin.EventFilter) iter.Seq2[*admin.Event, error] {
	return pages(f.Cursor, func(cursor string) ([]admin.Event, string, error) {
		f.Cursor, f.Limit = cursor, fullPage
		page, err := c.Events(ctx, f)
		if err != nil {
			return nil, "", err
		}
		return page.Events, page.Next, nil
	})
}

// ExportEvents gives the audit trail as lines of JSON, the oldest first. The caller
// closes what it reads.
func (c *Client) ExportEvents(ctx context.Context, f admin.EventFilter) (io.ReadCloser, error) {
	return c.open(ctx, "/audit/export", "application/x-ndjson", f)
}

// VerifyAudit has the server check its audit trail.
func (c *Client) VerifyAudit(ctx context.Context) (*admin.Verification, error) {
	return get[admin.Verification](ctx, c, "/audit/verify", nil)
}

// Overview gives what the first page of the console shows.
func (c *Client) Overview(ctx context.Context) (*admin.Overview, error) {
	return get[admin.Overview](ctx, c, "/overview", nil)
}

// Health tells how the server is.
func (c *Client) Health(ctx context.Context) (*admin.Health, error) {
	return get[admin.Health](ctx, c, "/health", nil)
}

// Backup gives a tar archive of what the server keeps. The caller closes what it
// reads, and has it whole if that ends without an error.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	return c.open(ctx, "/backup", "application/x-tar", nil)
}
