package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/catalog"
	"tollgate/internal/secret"
	"tollgate/internal/spelling"
	"tollgate/internal/store"
	"tollgate/internal/vault"
	"tollgate/internal/vkey"
)

// noMasterKey refuses what needs the vault where there is none.
func noMasterKey() *Error {
	return &Error{
		Kind: Conflict, Code: "no_master_key",
		Detail: "provider credentials are sealed under a master key, and this server has none. Make one with `openssl rand -hex 32`, " +
			"set it as TOLLGATE_MASTER_KEY (or write it to a file and set TOLLGATE_MASTER_KEY_FILE to its path), and start the server anew. " +
			"Without one, the configuration can still refer to the environment ($OPENAI_API_KEY) and to files ({file: /run/secrets/openai})",
	}
}

// CreateCredential stores a provider credential, sealed. Its value is never shown again.
func (c *Control) CreateCredential(ctx context.Context, call Call, in admin.CredentialInput) (*admin.CredentialChanged, error) {
	t, err := c.ticket(&call, "credential.create", in)
	if err != nil {
		return nil, asError(err)
	}
	defer t.hold()()
	out := &admin.CredentialChanged{}
	if done, err := t.answered(ctx, out); done || err != nil {
		return out, err
	}
	_, err = c.changeThen(ctx, call, "credential.create", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "credential", Name: in.Name}
		if c.parts.Vault == nil {
			return noMasterKey()
		}
		row, err := c.newCredential(&in)
		if err != nil {
			return err
		}
		if row.ID, err = vkey.NewCredentialID(c.parts.Random); err != nil {
			return err
		}
		row.CreatedAt, row.UpdatedAt, row.CreatedBy = e.At, e.At, call.Actor.Name
		c.setValue(row, in.Value)
		e.Target.ID, e.Diff = row.ID, diff(nil, recordedCredential(row))
		if err := tx.Credentials().Put(row); err != nil {
			return fmt.Errorf("store a credential: %w", err)
		}
		out.Credential = c.credentialForm(row)
		return nil
	}, func(tx store.Tx, e *audit.Event) error {
		out.EventID = e.Seq
		return t.put(tx, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// newCredential checks what a credential shall be, without its value.
func (c *Control) newCredential(in *admin.CredentialInput) (*store.Credential, error) {
	var p problems
	p.name("name", in.Name)
	provider := strings.TrimSpace(in.Provider)
	known := slices.ContainsFunc(c.parts.Providers, func(name string) bool { return catalog.Provider(name) == catalog.Provider(provider) })
	usual := c.parts.Live.Host(provider)
	switch {
	case provider == "":
		p.add("provider", "is missing: the provider that the credential is for, for instance openai")
	case c.parts.Providers != nil && !known && usual == "":
		p.suggest("provider", spelling.Nearest(provider, c.parts.Providers), "%s is no provider that is known here", shown(provider))
	}
	host := hostOf(in.Host)
	switch {
	case in.Host != "":
		p.host("host", in.Host)
	case provider != "" && usual == "":
		p.add("host", "is missing: %s has no usual host, so say the only one that the credential may be sent to", shown(provider))
	default:
		host = hostOf(usual)
	}
	p.value("value", in.Value)
	return &store.Credential{Name: in.Name, Provider: provider, Host: host}, p.err()
}

// host refuses whatever is more than a host, or a host and a port.
func (p *problems) host(path, text string) {
	bare := text
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		bare = u.Host
	} else if before, _, ok := strings.Cut(text, "/"); ok {
		bare = before
	}
	name, port := bare, ""
	if h, n, err := net.SplitHostPort(bare); err == nil {
		name, port = h, n
	}
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\?#@"'<>%*,;`, r)
	}
	switch _, err := strconv.ParseUint(port, 10, 16); {
	case bare != text:
		p.suggest(path, bare, "is a host alone, without scheme and path")
	case name == "", strings.ContainsFunc(name, odd), port != "" && err != nil, strings.Contains(name, ":") && net.ParseIP(strings.Trim(name, "[]")) == nil:
		p.add(path, "%s is no host, for instance api.openai.com", shown(text))
	}
}

// hostOf writes a host in the one way in which hosts are compared: in small letters,
// without the port that is meant anyway.
func hostOf(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), ":443"), ".")
}

// hasPort tells whether a host that hostOf wrote has a port, which is another one than
// that of https.
func hasPort(host string) bool {
	_, _, err := net.SplitHostPort(host)
	return err == nil
}

const maxSecret = 64 << 10

// value checks the value of a credential and says nothing of what is in it.
func (p *problems) value(path, value string) {
	switch {
	case value == "":
		p.add(path, "is missing")
	case len(value) > maxSecret:
		p.add(path, "has %d bytes; %d are allowed", len(value), maxSecret)
	case strings.TrimSpace(value) != value:
		p.add(path, "begins or ends with white space, as a file often does: leave it out")
	case !utf8.ValidString(value), strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }):
		p.add(path, "has characters in it that no credential has")
	case vkey.LooksIssued(value), vkey.LooksAdmin(value):
		p.add(path, "is one of tollgate's own keys; here belongs what the provider gave you")
	}
}

// setValue seals the value of a credential for the row that it stands in.
func (c *Control) setValue(row *store.Credential, value string) {
	row.Sealed, row.Last4 = c.parts.Vault.Seal(secret.New(value), bindingOf(row)), vkey.Fingerprint(value)
}

// bindingOf is what the value of a credential is sealed for. The name is part of it, since
// by name the configuration says where a credential goes.
func bindingOf(row *store.Credential) vault.Binding {
	return vault.Binding{Purpose: "provider credential", ID: row.ID + " " + row.Name, Provider: catalog.Provider(row.Provider), Host: hostOf(row.Host)}
}

// unseal gives the value of a credential.
func (c *Control) unseal(row *store.Credential) (secret.Text, error) {
	if c.parts.Vault == nil {
		return secret.Text{}, noMasterKey()
	}
	value, err := c.parts.Vault.Unseal(row.Sealed, bindingOf(row))
	if err != nil {
		return secret.Text{}, fmt.Errorf("open the credential %q: %w", row.Name, err)
	}
	return value, nil
}

// OpenCredential gives the value of a credential to the configuration in force, which
// is about to send it to this host of this provider, over TLS or without it. A host that
// is bound without a port is that of https, so nothing is sent there in the clear.
func (c *Control) OpenCredential(ctx context.Context, name, provider, host string, tls bool) (secret.Text, error) {
	var row *store.Credential
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Credentials().Named(name)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return secret.Text{}, &Error{
			Kind: NotFound, Code: "credential_not_found", Err: err,
			Detail: fmt.Sprintf("there is no provider credential with the name %s: create it with `tollgate credentials add`, or through the admin API", shown(name)),
		}
	case err != nil:
		return secret.Text{}, fmt.Errorf("look up the provider credential %q: %w", name, err)
	case catalog.Provider(row.Provider) != catalog.Provider(provider):
		return secret.Text{}, misplaced("the provider credential %s is for the provider %s, not for %s", shown(name), row.Provider, shown(provider))
	case hostOf(row.Host) != hostOf(host):
		return secret.Text{}, misplaced("the provider credential %s may be sent to %s only, not to %s", shown(name), row.Host, shown(host))
	case !tls && !hasPort(hostOf(row.Host)):
		return secret.Text{}, misplaced("the provider credential %s may be sent to %s over TLS only, and the address begins with http://: write https://, or create a credential for the host with its port",
			shown(name), row.Host)
	}
	return c.unseal(row)
}

func misplaced(format string, args ...any) *Error {
	return &Error{Kind: Conflict, Code: "credential_misplaced", Detail: fmt.Sprintf(format, args...)}
}

// recordedCredential is a credential as the audit trail compares it.
func recordedCredential(row *store.Credential) any {
	return struct {
		Name      string `json:"name"`
		Provider  string `json:"provider"`
		Host      string `json:"host"`
		Last4     string `json:"last4"`
		RotatedAt any    `json:"rotated_at,omitempty"`
	}{row.Name, row.Provider, row.Host, row.Last4, orNil(moment(row.RotatedAt))}
}

// orNil makes nothing of a nil pointer, so that it is left out.
func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func (c *Control) credentialForm(row *store.Credential) admin.Credential {
	out := admin.Credential{
		ID: row.ID, Name: row.Name, Provider: row.Provider, Host: row.Host, Last4: row.Last4, CreatedAt: row.CreatedAt, CreatedBy: row.CreatedBy,
		UpdatedAt: row.UpdatedAt, RotatedAt: moment(row.RotatedAt), TestedAt: moment(row.TestedAt), TestResult: row.TestResult, ETag: etag(row.Version),
		UsedBy: append([]string{}, c.parts.Live.CredentialInUse(row.Name)...),
	}
	if !row.TestedAt.IsZero() {
		ok := row.TestResult == resultOK
		out.TestOK = &ok
	}
	return out
}

// credentialOf finds a credential by its id or its name.
func credentialOf(tx store.Tx, ref string) (*store.Credential, error) {
	row, err := tx.Credentials().Get(ref)
	if errors.Is(err, store.ErrNotFound) {
		row, err = tx.Credentials().Named(ref)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, &Error{
			Kind: NotFound, Code: "credential_not_found", Detail: fmt.Sprintf("there is no provider credential with the id or name %s", shown(ref)), Err: err,
		}
	}
	return row, err
}

// Credentials lists all provider credentials by their names.
func (c *Control) Credentials(ctx context.Context, _ Call) (*admin.CredentialList, error) {
	out := &admin.CredentialList{Credentials: []admin.Credential{}}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		list, err := tx.Credentials().List()
		if err != nil {
			return fmt.Errorf("list the provider credentials: %w", err)
		}
		for _, row := range list {
			out.Credentials = append(out.Credentials, c.credentialForm(row))
		}
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	return out, nil
}

// Credential tells about one provider credential, by its id or its name.
func (c *Control) Credential(ctx context.Context, _ Call, ref string) (*admin.Credential, error) {
	row, err := c.credential(ctx, ref)
	if err != nil {
		return nil, err
	}
	out := c.credentialForm(row)
	return &out, nil
}

func (c *Control) credential(ctx context.Context, ref string) (*store.Credential, error) {
	var row *store.Credential
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = credentialOf(tx, ref)
		return err
	})
	if err != nil {
		return nil, asError(err)
	}
	return row, nil
}

// credentialPatch is what may stand in a merge patch of a credential.
type credentialPatch struct {
	Name *string `json:"name"`
	Host *string `json:"host"` // as it is
}

// bound tells what to do about fields of a credential that a patch cannot change.
var bound = map[string]string{
	"provider": "is what the value is bound to: create another credential for another provider",
	"value":    "is replaced by rotating the credential, not by editing it",
}

// EditCredential gives a credential another name. The configuration must not use it under
// the old one.
func (c *Control) EditCredential(ctx context.Context, call Call, ref string, patch json.RawMessage) (*admin.CredentialChanged, error) {
	return c.changeCredential(ctx, &call, "credential.edit", ref, func(row *store.Credential, _ *audit.Event) error {
		name, err := newName(row, patch)
		if err != nil || name == nil || *name == row.Name {
			return err
		}
		if err := c.unused(row, "renamed"); err != nil {
			return err
		}
		value, err := c.unseal(row)
		if err != nil {
			return err
		}
		row.Name = *name
		c.setValue(row, value.Reveal()) // the name is part of what it is sealed for
		return nil
	})
}

// newName reads a patch. Without a name in it nothing is changed.
func newName(row *store.Credential, patch json.RawMessage) (*string, error) {
	var p problems
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(patch, &fields); err == nil {
		for _, name := range sorted(fields) {
			if why := bound[name]; why != "" {
				p.add(name, "%s", why)
			}
		}
		if bytes.Equal(fields["name"], []byte("null")) {
			p.add("name", "cannot be cleared: a credential has a name")
		}
	}
	if len(p) > 0 {
		return nil, p.err()
	}
	var in credentialPatch
	if p = decode(patch, &in); len(p) > 0 {
		return nil, p.err()
	}
	if in.Host != nil && hostOf(*in.Host) != hostOf(row.Host) {
		p.add("host", "is what the value is bound to, so that it goes nowhere else: create another credential for another host")
	}
	if in.Name != nil {
		p.name("name", *in.Name)
	}
	return in.Name, p.err()
}

// unused refuses what would break the configuration in force.
func (c *Control) unused(row *store.Credential, what string) error {
	places := c.parts.Live.CredentialInUse(row.Name)
	if len(places) == 0 {
		return nil
	}
	return &Error{
		Kind: Conflict, Code: "credential_in_use",
		Detail: fmt.Sprintf("the configuration in force uses the credential %s (%s), so it cannot be %s: take it out there first",
			shown(row.Name), strings.Join(places, ", "), what),
	}
}

// RotateCredential replaces the value of a credential. It is in force when this returns.
func (c *Control) RotateCredential(ctx context.Context, call Call, ref string, in admin.CredentialValue) (*admin.CredentialChanged, error) {
	out, err := c.changeCredential(ctx, &call, "credential.rotate", ref, func(row *store.Credential, e *audit.Event) error {
		var p problems
		if p.value("value", in.Value); len(p) > 0 {
			return p.err()
		}
		if c.parts.Vault == nil {
			return noMasterKey()
		}
		c.setValue(row, in.Value)
		row.RotatedAt, row.TestedAt, row.TestResult = e.At, time.Time{}, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := c.parts.Live.CredentialsChanged(context.WithoutCancel(ctx)); err != nil {
		return nil, &Error{
			Kind: Conflict, Code: "not_in_force", Err: err,
			Detail: fmt.Sprintf("the new value of %s is stored, but the configuration in force still sends the old one: %v", shown(out.Credential.Name), err),
		}
	}
	return out, nil
}

// changeCredential changes the row of a credential.
func (c *Control) changeCredential(ctx context.Context, call *Call, action, ref string, do func(*store.Credential, *audit.Event) error) (*admin.CredentialChanged, error) {
	out := &admin.CredentialChanged{}
	e, err := c.change(ctx, *call, action, func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "credential", ID: ref}
		row, err := credentialOf(tx, ref)
		if err != nil {
			return err
		}
		e.Target.ID, e.Target.Name = row.ID, row.Name
		if err := call.match(row.Version); err != nil {
			return err
		}
		before := recordedCredential(row)
		if err := do(row, e); err != nil {
			return err
		}
		row.UpdatedAt = e.At
		e.Diff = diff(before, recordedCredential(row))
		if err := tx.Credentials().Put(row); err != nil {
			return fmt.Errorf("store a credential: %w", err)
		}
		out.Credential = c.credentialForm(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.EventID = e.Seq
	return out, nil
}

// DeleteCredential deletes a credential that the configuration in force does not use.
func (c *Control) DeleteCredential(ctx context.Context, call Call, ref string) (*admin.Deleted, error) {
	out := &admin.Deleted{}
	e, err := c.change(ctx, call, "credential.delete", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "credential", ID: ref}
		row, err := credentialOf(tx, ref)
		if err != nil {
			return err
		}
		e.Target.ID, e.Target.Name, out.ID = row.ID, row.Name, row.ID
		if err := call.match(row.Version); err != nil {
			return err
		}
		if err := c.unused(row, "deleted"); err != nil {
			return err
		}
		e.Diff = diff(recordedCredential(row), nil)
		return tx.Credentials().Delete(row.ID)
	})
	if err != nil {
		return nil, err
	}
	out.EventID = e.Seq
	return out, nil
}

// TestCredential makes a test call to the provider and keeps its result.
func (c *Control) TestCredential(ctx context.Context, call Call, ref string) (*admin.CredentialTest, error) {
	row, err := c.credential(ctx, ref)
	if err != nil {
		return nil, err
	}
	value, err := c.unseal(row)
	if err != nil {
		return nil, asError(err)
	}
	out := &admin.CredentialTest{}
	status, err := c.parts.Live.Try(ctx, row.Provider, row.Host, value)
	out.Status, out.OK, out.Message = status, err == nil && status/100 == 2, verdict(status, err)
	e, err := c.change(ctx, call, "credential.test", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "credential", ID: row.ID, Name: row.Name}
		e.Reason = out.Message
		now, err := credentialOf(tx, row.ID)
		if err != nil {
			return err
		}
		if !bytes.Equal(now.Sealed, row.Sealed) {
			return nil // what was tested is not what is stored now
		}
		if now.TestedAt, now.TestResult = e.At, out.Message; out.OK {
			now.TestResult = resultOK
		}
		return tx.Credentials().Put(now)
	})
	if err != nil {
		return nil, err
	}
	out.EventID = e.Seq
	return out, nil
}

// resultOK is the stored result of a test that went well.
const resultOK = "ok"

// verdict says what the answer to a test call means.
func verdict(status int, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case status/100 == 2:
		return "the provider accepts the credential"
	case status == 401:
		return "the provider does not know the credential (status 401): rotate it"
	case status == 403:
		return "the provider knows the credential and does not allow it this call (status 403)"
	case status == 429:
		return "the provider limits the rate of calls (status 429): try again later"
	case status/100 == 5:
		return fmt.Sprintf("the provider is in trouble (status %d): try again later", status)
	default:
		return fmt.Sprintf("the provider answered with status %d, which says nothing about the credential", status)
	}
}
