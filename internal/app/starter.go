package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// starterFile holds the one virtual key of a gateway that runs on its embedded
// defaults: its digest and the pepper of that digest, never the key.
const starterFile = "starter-key.json"

// starter is the key that a first start makes, so that there is something to
// call the gateway with.
type starter struct {
	Pepper  string    `json:"pepper"` // hex
	ID      string    `json:"id"`
	Digest  string    `json:"digest"` // hex, HMAC-SHA-256 under the pepper
	Created time.Time `json:"created_at"`
}

// loadStarter reads the starter key of a data directory, or makes it. The
// secret is given back only when it was made: it is shown once and kept nowhere.
func loadStarter(dir string, now time.Time) (entry vkey.Entry, pepper *vkey.Pepper, shown secret.Text, err error) {
	path := filepath.Join(dir, starterFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeStarter(dir, path, now)
	}
	var s starter
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil {
		entry, pepper, err = s.entry()
	}
	if err != nil {
		return vkey.Entry{}, nil, secret.Text{}, fmt.Errorf("read the starter key: %s: %w; delete the file to have a new key made", path, err)
	}
	return entry, pepper, secret.Text{}, nil
}

func makeStarter(dir, path string, now time.Time) (vkey.Entry, *vkey.Pepper, secret.Text, error) {
	fail := func(err error) (vkey.Entry, *vkey.Pepper, secret.Text, error) {
		return vkey.Entry{}, nil, secret.Text{}, fmt.Errorf("make the starter key in %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	id, key, err := vkey.Mint(rand.Reader)
	if err != nil {
		return fail(err)
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return fail(err)
	}
	pepper, err := vkey.NewPepper(raw)
	if err != nil {
		return fail(err)
	}
	digest := pepper.Digest(key.Reveal())
	s := starter{Pepper: hex.EncodeToString(raw), ID: id, Digest: hex.EncodeToString(digest[:]), Created: now.UTC().Truncate(time.Second)}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fail(err)
	}
	if err := writeNew(path, append(text, '\n')); err != nil {
		return fail(err)
	}
	entry, pepper, err := s.entry()
	if err != nil {
		return fail(err)
	}
	return entry, pepper, key, nil
}

// entry turns what is stored into a key of a set.
func (s *starter) entry() (vkey.Entry, *vkey.Pepper, error) {
	raw, err := hex.DecodeString(s.Pepper)
	if err != nil {
		return vkey.Entry{}, nil, errors.New("the pepper is not hexadecimal")
	}
	pepper, err := vkey.NewPepper(raw)
	if err != nil {
		return vkey.Entry{}, nil, err
	}
	digest, err := hex.DecodeString(s.Digest)
	if err != nil || len(digest) != len(vkey.Digest{}) || s.ID == "" {
		return vkey.Entry{}, nil, errors.New("the file is incomplete")
	}
	return vkey.Entry{
		Digest: vkey.Digest(digest), Peppered: true, PublicID: []string{s.ID},
		Caller: &caller.Caller{KeyID: s.ID, Name: "starter", Metadata: map[string]any{"name": "starter"}},
	}, pepper, nil
}

// writeNew writes a file whole or not at all, readable by its owner alone.
func writeNew(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(text); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
