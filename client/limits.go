package client

import (
	"context"
	"net/http"

	"tollgate/api/admin"
)

// CreateLimit makes a shared limit.
func (c *Client) CreateLimit(ctx context.Context, in admin.Limit, opts ...Option) (*admin.SharedLimitChanged, error) {
	return sendOnce[admin.SharedLimitChanged](ctx, c, "/limits", in, opts...)
}

// Limits gives all shared limits.
func (c *Client) Limits(ctx context.Context) (*admin.LimitList, error) {
	return get[admin.LimitList](ctx, c, "/limits", nil)
}

// Limit gives a shared limit by its id or name.
func (c *Client) Limit(ctx context.Context, id string) (*admin.SharedLimit, error) {
	path, err := item("/limits", id, "")
	if err != nil {
		return nil, err
	}
	return get[admin.SharedLimit](ctx, c, path, nil)
}

// EditLimit changes a shared limit by a merge patch, as EditKey does a key.
func (c *Client) EditLimit(ctx context.Context, id string, patch any, opts ...Option) (*admin.SharedLimitChanged, error) {
	return change[admin.SharedLimitChanged](ctx, c, http.MethodPatch, "/limits", id, "", patch, opts...)
}

// DeleteLimit deletes a shared limit.
func (c *Client) DeleteLimit(ctx context.Context, id string, opts ...Option) (*admin.Deleted, error) {
	return change[admin.Deleted](ctx, c, http.MethodDelete, "/limits", id, "", nil, opts...)
}

// Adjust corrects what the current window of a limit has spent. It is never repeated
// without an IdempotencyKey of the caller's.
func (c *Client) Adjust(ctx context.Context, id string, in admin.Adjustment, opts ...Option) (*admin.Adjusted, error) {
	return change[admin.Adjusted](ctx, c, http.MethodPost, "/limits", id, "/adjust", in, opts...)
}
