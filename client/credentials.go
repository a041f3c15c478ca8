package client

import (
	"context"
	"net/http"

	"tollgate/api/admin"
)

// CreateCredential stores a provider credential. Its value is never shown again.
func (c *Client) CreateCredential(ctx context.Context, in admin.CredentialInput, opts ...Option) (*admin.CredentialChanged, error) {
	return sendOnce[admin.CredentialChanged](ctx, c, "/credentials", in, opts...)
}

// Credentials gives all provider credentials, without their values.
func (c *Client) Credentials(ctx context.Context) (*admin.CredentialList, error) {
	return get[admin.CredentialList](ctx, c, "/credentials", nil)
}

// Credential gives a provider credential by its id or name.
func (c *Client) Credential(ctx context.Context, id string) (*admin.Credential, error) {
	path, err := item("/credentials", id, "")
	if err != nil {
		return nil, err
	}
	return get[admin.Credential](ctx, c, path, nil)
}

// EditCredential changes a provider credential by a merge patch, as EditKey does a key.
func (c *Client) EditCredential(ctx context.Context, id string, patch any, opts ...Option) (*admin.CredentialChanged, error) {
	return change[admin.CredentialChanged](ctx, c, http.MethodPatch, "/credentials", id, "", patch, opts...)
}

// RotateCredential replaces the value of a provider credential.
func (c *Client) RotateCredential(ctx context.Context, id string, in admin.CredentialValue, opts ...Option) (*admin.CredentialChanged, error) {
	path, err := item("/credentials", id, "/rotate")
	if err != nil {
		return nil, err
	}
	return sendOnce[admin.CredentialChanged](ctx, c, path, in, opts...)
}

// DeleteCredential deletes a provider credential.
func (c *Client) DeleteCredential(ctx context.Context, id string, opts ...Option) (*admin.Deleted, error) {
	return change[admin.Deleted](ctx, c, http.MethodDelete, "/credentials", id, "", nil, opts...)
}

// TestCredential makes a call to the provider with a credential.
func (c *Client) TestCredential(ctx context.Context, id string, opts ...Option) (*admin.CredentialTest, error) {
	return change[admin.CredentialTest](ctx, c, http.MethodPost, "/credentials", id, "/test", nil, opts...)
}

// CreateAdminToken makes an admin token. Its value is in the answer and never shown again.
func (c *Client) CreateAdminToken(ctx context.Context, in admin.AdminTokenInput, opts ...Option) (*admin.AdminTokenCreated, error) {
	return sendOnce[admin.AdminTokenCreated](ctx, c, "/admin-tokens", in, opts...)
}

// AdminTokens gives all admin tokens, without their values.
func (c *Client) AdminTokens(ctx context.Context) (*admin.AdminTokenList, error) {
	return get[admin.AdminTokenList](ctx, c, "/admin-tokens", nil)
}

// DeleteAdminToken ends an admin token.
func (c *Client) DeleteAdminToken(ctx context.Context, id string, opts ...Option) (*admin.Deleted, error) {
	return change[admin.Deleted](ctx, c, http.MethodDelete, "/admin-tokens", id, "", nil, opts...)
}

// WhoAmI tells whom the token of the client stands for.
func (c *Client) WhoAmI(ctx context.Context) (*admin.WhoAmI, error) {
	return get[admin.WhoAmI](ctx, c, "/whoami", nil)
}
