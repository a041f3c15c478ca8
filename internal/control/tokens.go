package control

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// Names of admin tokens that nobody makes by hand.
const (
	firstName       = "owner"       // the first one of all
	localName       = "local"       // that of the command line on the same machine
	environmentName = "environment" // that of Parts.OwnerToken
)

// tokenTable is what is stored of admin tokens, kept at hand so that whoever calls
// needs no database. A nil table is read anew.
type tokenTable struct {
	mu sync.Mutex // one reads it at a time, so that none puts an older one in force
	at atomic.Pointer[tokenIndex]
}

// tokenIndex is a table of admin tokens. It does not change but for when they were used.
type tokenIndex struct {
	byDigest map[vkey.Digest]*knownToken
	byID     map[string]*knownToken
}

type knownToken struct {
	id, name string
	role     actor.Role
	expires  time.Time
	used     *atomic.Int64 // Unix time in nanoseconds, 0: not since the program began
	noted    *atomic.Int64 // what of it is written down
}

// Authenticate tells whose admin token was presented. What is presented is only
// compared as a digest under a secret key, so that the time tells nothing about tokens.
func (c *Control) Authenticate(ctx context.Context, presented string) (actor.Actor, bool) {
	if presented == "" || vkey.LooksIssued(presented) {
		return actor.Actor{}, false
	}
	digest := c.parts.Pepper.Digest(presented)
	if own := c.parts.OwnerToken; !own.Empty() {
		if want := c.parts.Pepper.Digest(own.Reveal()); subtle.ConstantTimeCompare(digest[:], want[:]) == 1 {
			return actor.Actor{Kind: actor.Token, ID: environmentName, Name: environmentName, Role: actor.Owner}, true
		}
	}
	index := c.tokens.at.Load()
	if index == nil {
		var err error
		if index, err = c.readTokens(ctx); err != nil {
			return actor.Actor{}, false // nobody is let in unknown
		}
	}
	t := index.byDigest[digest]
	now := c.parts.Now()
	if t == nil || expired(t.expires, now) {
		return actor.Actor{}, false
	}
	t.used.Store(now.UnixNano())
	return actor.Actor{Kind: actor.Token, ID: t.id, Name: t.name, Role: t.role}, true
}

func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// readTokens reads the table of admin tokens and puts it in force.
func (c *Control) readTokens(ctx context.Context) (*tokenIndex, error) {
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	var list []*store.Token
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		list, err = tx.Tokens().List()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the admin tokens: %w", err)
	}
	before := c.tokens.at.Load()
	index := &tokenIndex{byDigest: make(map[vkey.Digest]*knownToken, len(list)), byID: make(map[string]*knownToken, len(list))}
	for _, t := range list {
		known := &knownToken{id: t.ID, name: t.Name, role: t.Role, expires: t.ExpiresAt, used: new(atomic.Int64), noted: new(atomic.Int64)}
		if before != nil && before.byID[t.ID] != nil {
			known.used, known.noted = before.byID[t.ID].used, before.byID[t.ID].noted
		}
		index.byDigest[t.Digest], index.byID[t.ID] = known, known
	}
	c.tokens.at.Store(index)
	return index, nil
}

// tokensChanged makes a change of the table count at once. If it cannot be read, the
// next who calls has to: nobody comes in by what was in it before.
func (c *Control) tokensChanged(ctx context.Context) {
	if _, err := c.readTokens(context.WithoutCancel(ctx)); err != nil {
		c.tokens.at.Store(nil)
	}
}

// FlushUsed writes down when admin tokens were last used.
func (c *Control) FlushUsed(ctx context.Context) error {
	index := c.tokens.at.Load()
	if index == nil {
		return nil
	}
	at, noted := map[string]time.Time{}, map[*knownToken]int64{}
	for id, t := range index.byID {
		if used := t.used.Load(); used > t.noted.Load() {
			at[id], noted[t] = time.Unix(0, used).UTC(), used
		}
	}
	if len(at) == 0 {
		return nil
	}
	err := c.parts.Store.Update(ctx, func(tx store.Tx) error { return tx.Tokens().Used(at) })
	if err != nil {
		return fmt.Errorf("note when admin tokens were used: %w", err)
	}
	for t, used := range noted {
		t.noted.Store(used)
	}
	return nil
}

// Who tells an actor who it is.
func (c *Control) Who(call Call) *admin.WhoAmI {
	return &admin.WhoAmI{ID: call.Actor.ID, Name: call.Actor.Name, Role: call.Actor.Role.String()}
}

// MakeToken makes an admin token. Its value is in the answer and nowhere else, but for
// whoever repeats the call with the same idempotency key within a day.
func (c *Control) MakeToken(ctx context.Context, call Call, in admin.AdminTokenInput) (*admin.AdminTokenCreated, error) {
	ticket, err := c.ticket(&call, "admin_token.create", in)
	if err != nil {
		return nil, asError(err)
	}
	defer ticket.hold()()
	out := &admin.AdminTokenCreated{}
	if done, err := ticket.answered(ctx, out); done || err != nil {
		return out, err
	}
	_, err = c.changeThen(ctx, call, "admin_token.create", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "admin_token", Name: in.Name}
		if err := onlyOwners(&call); err != nil {
			return err
		}
		t, err := newToken(&in, &call, e.At)
		if err != nil {
			return err
		}
		value, err := c.insertToken(tx, t, e)
		if err != nil {
			return err
		}
		out.Token, out.Secret = tokenForm(t), value.Reveal()
		return nil
	}, func(tx store.Tx, e *audit.Event) error {
		out.EventID = e.Seq
		return ticket.put(tx, out)
	})
	if err != nil {
		return nil, err
	}
	c.tokensChanged(ctx)
	return out, nil
}

func onlyOwners(call *Call) error {
	if call.Actor.Role == actor.Owner {
		return nil
	}
	return &Error{Kind: Forbidden, Code: "owner_needed", Detail: "admin tokens are managed by owners only, and this is the token of an " + call.Actor.Role.String()}
}

// newToken checks what an admin token shall be, without id and value.
func newToken(in *admin.AdminTokenInput, call *Call, now time.Time) (*store.Token, error) {
	var p problems
	p.name("name", in.Name)
	if in.Name == localName || in.Name == environmentName {
		p.add("name", "%s is the name of a token that tollgate makes itself: choose another", shown(in.Name))
	}
	role, err := actor.ParseRole(in.Role)
	if err != nil {
		p.oneOf("role", in.Role, []string{"viewer", "auditor", "admin", "owner"})
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		p.add("expires_at", "is in the past; leave it out for a token that does not expire")
	}
	t := &store.Token{Name: in.Name, Role: role, CreatedAt: now, CreatedBy: call.Actor.Name}
	if in.ExpiresAt != nil {
		t.ExpiresAt = in.ExpiresAt.UTC()
	}
	return t, p.err()
}

// insertToken mints the value of an admin token and stores it.
func (c *Control) insertToken(tx store.Tx, t *store.Token, e *audit.Event) (secret.Text, error) {
	id, value, err := vkey.MintToken(c.parts.Random)
	if err != nil {
		return secret.Text{}, err
	}
	t.ID, t.Digest, t.Last4 = id, c.parts.Pepper.Digest(value.Reveal()), vkey.Fingerprint(value.Reveal())
	e.Target = audit.Target{Kind: "admin_token", ID: t.ID, Name: t.Name}
	e.Diff = diff(nil, recordedToken(t))
	if err := tx.Tokens().Put(t); err != nil {
		return secret.Text{}, fmt.Errorf("store an admin token: %w", err)
	}
	return value, nil
}

// recordedToken is an admin token as the audit trail compares it.
func recordedToken(t *store.Token) any {
	return struct {
		Name      string     `json:"name"`
		Role      string     `json:"role"`
		Last4     string     `json:"last4"`
		ExpiresAt *time.Time `json:"expires_at,omitempty"`
	}{t.Name, t.Role.String(), t.Last4, moment(t.ExpiresAt)}
}

func tokenForm(t *store.Token) admin.AdminToken {
	return admin.AdminToken{
		ID: t.ID, Name: t.Name, Role: t.Role.String(), Last4: t.Last4, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: moment(t.ExpiresAt), LastUsedAt: moment(t.LastUsedAt),
	}
}

// AdminTokens lists all admin tokens by their names.
func (c *Control) AdminTokens(ctx context.Context, _ Call) (*admin.AdminTokenList, error) {
	out := &admin.AdminTokenList{Tokens: []admin.AdminToken{}}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		list, err := tx.Tokens().List()
		if err != nil {
			return fmt.Errorf("list the admin tokens: %w", err)
		}
		index := c.tokens.at.Load()
		for _, t := range list {
			if index != nil && index.byID[t.ID] != nil {
				if used := index.byID[t.ID].used.Load(); used > 0 {
					t.LastUsedAt = later(t.LastUsedAt, time.Unix(0, used).UTC())
				}
			}
			out.Tokens = append(out.Tokens, tokenForm(t))
		}
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	return out, nil
}

// DeleteToken deletes an admin token: the next call with it is refused.
func (c *Control) DeleteToken(ctx context.Context, call Call, id string) (*admin.Deleted, error) {
	e, err := c.change(ctx, call, "admin_token.delete", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "admin_token", ID: id}
		if err := onlyOwners(&call); err != nil {
			return err
		}
		list, err := tx.Tokens().List()
		if err != nil {
			return fmt.Errorf("list the admin tokens: %w", err)
		}
		at := slices.IndexFunc(list, func(t *store.Token) bool { return t.ID == id })
		if at < 0 {
			return &Error{Kind: NotFound, Code: "admin_token_not_found", Detail: fmt.Sprintf("there is no admin token with the id %s", shown(id))}
		}
		t := list[at]
		e.Target.Name = t.Name
		if isOwner(t, e.At) && !slices.ContainsFunc(slices.Delete(list, at, at+1), func(t *store.Token) bool { return isOwner(t, e.At) }) {
			return &Error{
				Kind: Conflict, Code: "last_owner",
				Detail: "this is the last token of an owner: make another one first, or nobody could manage admin tokens any more",
			}
		}
		e.Diff = diff(recordedToken(t), nil)
		return tx.Tokens().Delete(id)
	})
	if err != nil {
		return nil, err
	}
	c.tokensChanged(ctx)
	return &admin.Deleted{ID: id, EventID: e.Seq}, nil
}

// isOwner tells whether a token is good for an owner to come back with: that of
// this machine is replaced whenever the program starts.
func isOwner(t *store.Token, now time.Time) bool {
	return t.Role == actor.Owner && t.Name != localName && !expired(t.ExpiresAt, now)
}

// FirstToken makes the owner's token of an installation that has none, neither stored nor
// in the environment. Whoever calls shows it, this once.
func (c *Control) FirstToken(ctx context.Context) (secret.Text, bool, error) {
	if !c.parts.OwnerToken.Empty() {
		return secret.Text{}, false, nil
	}
	var value secret.Text
	_, err := c.change(ctx, programCall("first start"), "admin_token.create", func(tx store.Tx, e *audit.Event) error {
		list, err := tx.Tokens().List()
		if err != nil {
			return fmt.Errorf("list the admin tokens: %w", err)
		}
		if slices.ContainsFunc(list, func(t *store.Token) bool { return t.Role == actor.Owner && t.Name != localName }) {
			return errOwned
		}
		name := firstName
		for n := 2; slices.ContainsFunc(list, func(t *store.Token) bool { return t.Name == name }); n++ {
			name = fmt.Sprintf("%s %d", firstName, n)
		}
		e.Reason = "there was no owner's token"
		value, err = c.insertToken(tx, &store.Token{Name: name, Role: actor.Owner, CreatedAt: e.At, CreatedBy: e.Actor.Name}, e)
		return err
	})
	switch {
	case errors.Is(err, errOwned):
		return secret.Text{}, false, nil
	case err != nil:
		return secret.Text{}, false, err
	}
	c.tokensChanged(ctx)
	return value, true, nil
}

// errOwned ends the transaction of FirstToken where there is nothing to do.
var errOwned = errors.New("there is an owner's token")

// LocalToken makes the token with which the command line manages a server on the same
// machine. That of the last start is good no longer.
func (c *Control) LocalToken(ctx context.Context) (secret.Text, error) {
	var value secret.Text
	_, err := c.change(ctx, programCall("start"), "admin_token.create", func(tx store.Tx, e *audit.Event) error {
		list, err := tx.Tokens().List()
		if err != nil {
			return fmt.Errorf("list the admin tokens: %w", err)
		}
		for _, t := range list {
			if t.Name != localName {
				continue
			}
			if err := tx.Tokens().Delete(t.ID); err != nil {
				return fmt.Errorf("delete the local token of the last start: %w", err)
			}
			e.Reason = "replaces " + t.ID
		}
		value, err = c.insertToken(tx, &store.Token{Name: localName, Role: actor.Owner, CreatedAt: e.At, CreatedBy: e.Actor.Name}, e)
		return err
	})
	if err != nil {
		return secret.Text{}, err
	}
	c.tokensChanged(ctx)
	return value, nil
}

// programCall is a call of the program itself.
func programCall(occasion string) Call {
	return Call{Actor: actor.Actor{Kind: actor.System, Name: occasion, Role: actor.Owner}}
}
