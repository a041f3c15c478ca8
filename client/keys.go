package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"

	"tollgate/api/admin"
)

// CreateKey makes a virtual key. Its secret is in the answer and never shown again.
func (c *Client) CreateKey(ctx context.Context, in admin.KeyInput, opts ...Option) (*admin.KeyCreated, error) {
	return sendOnce[admin.KeyCreated](ctx, c, "/keys", in, opts...)
}

// Keys gives one page of the keys that a filter selects.
func (c *Client) Keys(ctx context.Context, f admin.KeyFilter) (*admin.KeyList, error) {
	return get[admin.KeyList](ctx, c, "/keys", f)
}

// AllKeys goes through all keys that a filter selects, from its cursor on.
func (c *Client) AllKeys(ctx context.Context, f admin.KeyFilter) iter.Seq2[*admin.Key, error] {
	return pages(f.Cursor, func(cursor string) ([]admin.Key, string, error) {
		f.Cursor, f.Limit = cursor, fullPage
		page, err := c.Keys(ctx, f)
		if err != nil {
			return nil, "", err
		}
		return page.Keys, page.Next, nil
	})
}

// Key gives a key by its id or name, with how all its limits stand.
func (c *Client) Key(ctx context.Context, id string) (*admin.Key, error) {
	path, err := item("/keys", id, "")
	if err != nil {
		return nil, err
	}
	return get[admin.Key](ctx, c, path, nil)
}

// Labels tells which labels keys have, and how many keys have each.
func (c *Client) Labels(ctx context.Context) (*admin.LabelList, error) {
	return get[admin.LabelList](ctx, c, "/labels", nil)
}

// EditKey changes a key by a merge patch (RFC 7396): anything that is written as a
// JSON object. What is null is cleared, what is absent stays. Lists are replaced as
// a whole, so send limits with their ids to keep what they have counted.
func (c *Client) EditKey(ctx context.Context, id string, patch any, opts ...Option) (*admin.KeyChanged, error) {
	return change[admin.KeyChanged](ctx, c, http.MethodPatch, "/keys", id, "", patch, opts...)
}

// DeleteKey deletes a key for ever; its history stays readable under its id.
func (c *Client) DeleteKey(ctx context.Context, id string, opts ...Option) (*admin.Deleted, error) {
	return change[admin.Deleted](ctx, c, http.MethodDelete, "/keys", id, "", nil, opts...)
}

// DisableKey refuses a key until it is enabled.
func (c *Client) DisableKey(ctx context.Context, id string, why admin.Reason, opts ...Option) (*admin.KeyChanged, error) {
	return change[admin.KeyChanged](ctx, c, http.MethodPost, "/keys", id, "/disable", why, opts...)
}

// EnableKey accepts a disabled key again.
func (c *Client) EnableKey(ctx context.Context, id string, why admin.Reason, opts ...Option) (*admin.KeyChanged, error) {
	return change[admin.KeyChanged](ctx, c, http.MethodPost, "/keys", id, "/enable", why, opts...)
}

// RevokeKey refuses a key for ever.
func (c *Client) RevokeKey(ctx context.Context, id string, how admin.Revocation, opts ...Option) (*admin.KeyChanged, error) {
	return change[admin.KeyChanged](ctx, c, http.MethodPost, "/keys", id, "/revoke", how, opts...)
}

// RotateKey gives a key a new secret, and the old one a time to live.
func (c *Client) RotateKey(ctx context.Context, id string, how admin.Rotation, opts ...Option) (*admin.KeyCreated, error) {
	path, err := item("/keys", id, "/rotate")
	if err != nil {
		return nil, err
	}
	return sendOnce[admin.KeyCreated](ctx, c, path, how, opts...)
}

// KeyUsage gives sums of what one key used.
func (c *Client) KeyUsage(ctx context.Context, id string, f admin.UsageFilter) (*admin.Usage, error) {
	path, err := item("/keys", id, "/usage")
	if err != nil {
		return nil, err
	}
	return get[admin.Usage](ctx, c, path, f)
}

// ImportKeys takes keys over from a list in the format that in names. Doing it twice
// does no harm: keys that are there stay as they are. If progress is not nil it is told
// while the server works how far it is.
func (c *Client) ImportKeys(ctx context.Context, in admin.ImportInput, list io.Reader, progress func(admin.ImportProgress)) (*admin.Imported, error) {
	r, err := request(http.MethodPost, "/keys:import", nil)
	if err != nil {
		return nil, err
	}
	parameters(r.query, in)
	r.header.Set("Content-Type", importTypes[in.Format])
	if r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", "application/octet-stream")
	}
	r.stream = list
	if progress == nil {
		return answer[admin.Imported](ctx, c, r)
	}
	r.takes = linesType
	res, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	for lines := json.NewDecoder(res.Body); ; {
		var step admin.ImportStep
		switch err := lines.Decode(&step); {
		case err != nil:
			return nil, fmt.Errorf("the import broke off, and some keys may be there: repeat it for the rest: %w", err)
		case step.Problem != nil:
			return nil, &Error{Problem: *step.Problem, Method: r.method, Path: r.path}
		case step.Done != nil:
			return step.Done, nil
		case step.Progress != nil:
			progress(*step.Progress)
		}
	}
}

// importTypes are the content types of formats that have one.
var importTypes = map[string]string{"ndjson": linesType, "csv": "text/csv", "litellm": jsonType}

// Check tells whether a request would pass. It spends nothing.
func (c *Client) Check(ctx context.Context, in admin.Check) (*admin.Checked, error) {
	return send[admin.Checked](ctx, c, http.MethodPost, "/check", in)
}

// change does something to one thing.
func change[Out any](ctx context.Context, c *Client, method, of, id, what string, body any, opts ...Option) (*Out, error) {
	path, err := item(of, id, what)
	if err != nil {
		return nil, err
	}
	return send[Out](ctx, c, method, path, body, opts...)
}
