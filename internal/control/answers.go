package control

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tollgate/internal/audit"
	"tollgate/internal/store"
)

// ticket is the right to do something once, which an idempotency key gives: whoever
// asks again is given the first answer, secret included. A nil ticket gives no answers
// and keeps none.
//
// What is remembered is sealed under a key that takes the idempotency key to make, of
// which only a digest is stored. The pepper alone does not open it: a backup has that in
// it as well, and must not give away the secrets of the last day.
type ticket struct {
	control *Control
	call    *Call
	action  string
	name    string // in the store; leads neither to the idempotency key nor to the seal
	request [32]byte
	seal    cipher.AEAD
}

const maxIdempotencyKey = 255

// ticket makes the ticket of a call for what is asked, nil if the call has no
// idempotency key. Keys of different actors have nothing to do with each other.
func (c *Control) ticket(call *Call, action string, asked ...any) (*ticket, error) {
	if call.IdempotencyKey == "" {
		return nil, nil
	}
	if len(call.IdempotencyKey) > maxIdempotencyKey || !utf8.ValidString(call.IdempotencyKey) {
		return nil, &Error{Kind: Invalid, Code: "invalid_idempotency_key", Detail: fmt.Sprintf("an Idempotency-Key has at most %d characters", maxIdempotencyKey)}
	}
	raw, err := json.Marshal(append([]any{action}, asked...))
	if err != nil {
		return nil, fmt.Errorf("remember the request: %w", err)
	}
	root, err := c.parts.Pepper.Subkey("answers")
	if err != nil {
		return nil, err
	}
	of := fmt.Sprintf("%s/%s/%s", call.Actor.Kind, call.Actor.ID, call.IdempotencyKey)
	block, err := aes.NewCipher(derived(root, "seal", of))
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	t := &ticket{control: c, call: call, action: action, name: hex.EncodeToString(derived(root, "name", of)), seal: seal}
	copy(t.request[:], derived(root, "request", string(raw)))
	return t, nil
}

// derived makes 32 bytes of a text, others for every use.
func derived(root []byte, use, text string) []byte {
	mac := hmac.New(sha256.New, root)
	mac.Write([]byte(use + "\x00" + text))
	return mac.Sum(nil)
}

// hold keeps others with the same ticket waiting until release is called.
func (t *ticket) hold() (release func()) {
	if t == nil {
		return func() {}
	}
	t.control.answering.Lock()
	return t.control.answering.Unlock
}

// answered gives the first answer, if there is one.
func (t *ticket) answered(ctx context.Context, into any) (bool, error) {
	if t == nil {
		return false, nil
	}
	var a *store.Answer
	err := t.control.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		a, err = tx.Answers().Get(t.name, t.control.parts.Now())
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, asError(fmt.Errorf("look for the answer to an earlier request: %w", err))
	case a.Request != t.request:
		kind, _, _ := strings.Cut(t.action, ".")
		reused := &Error{Kind: Conflict, Code: "idempotency_key_reused", Detail: "this Idempotency-Key was used for another request; take a new one"}
		return false, t.control.onRecord(ctx, *t.call, t.action, audit.Target{Kind: kind}, reused)
	case len(a.Body) < t.seal.NonceSize():
		return false, asError(errors.New("a remembered answer is damaged"))
	}
	nonce, sealed := a.Body[:t.seal.NonceSize()], a.Body[t.seal.NonceSize():]
	raw, err := t.seal.Open(nil, nonce, sealed, []byte(t.name))
	if err != nil {
		return false, asError(fmt.Errorf("open a remembered answer: %w", err))
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, asError(fmt.Errorf("read a remembered answer: %w", err))
	}
	return true, nil
}

// put remembers the answer, sealed, in the transaction that makes it true.
func (t *ticket) put(tx store.Tx, answer any) error {
	if t == nil {
		return nil
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("remember the answer: %w", err)
	}
	nonce := make([]byte, t.seal.NonceSize())
	if _, err := io.ReadFull(t.control.parts.Random, nonce); err != nil {
		return fmt.Errorf("remember the answer: %w", err)
	}
	now := t.control.parts.Now()
	if err := tx.Answers().Prune(now); err != nil {
		return fmt.Errorf("forget old answers: %w", err)
	}
	body := t.seal.Seal(nonce, nonce, raw, []byte(t.name))
	return tx.Answers().Put(t.name, &store.Answer{Request: t.request, Body: body, At: now})
}
