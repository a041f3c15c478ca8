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
	"tollgate/internal/config"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// starterFile holds the one virtual key of a gateway that runs on its embedded
// defaults: its digest and the pepper of that digest, never the key.
const starterFile = "starter-key.json"

// starter is the virtual key of a gateway on its embedded defaults, so that
// there is something to call it with.
type starter struct {
	entry  vkey.Entry
	pepper *vkey.Pepper
	// shown is the key itself if this start made it: it is shown once and kept nowhere.
	shown secret.Text
	path  string
	text  []byte // to be stored; nil: it is
}

// starterRecord is what is stored of it.
type starterRecord struct {
	Pepper  string    `json:"pepper"` // hex
	ID      string    `json:"id"`
	Digest  string    `json:"digest"` // hex, HMAC-SHA-256 under the pepper
	Created time.Time `json:"created_at"`
}

// starter reads the starter key from the data directory, or makes it.
func (a *App) starter(c *config.Config) (*starter, error) {
	dir := a.dataDir(c)
	path := filepath.Join(dir, starterFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeStarter(path, a.began)
	}
	var r starterRecord
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	s := &starter{path: path}
	if err == nil {
		s.entry, s.pepper, err = r.entry()
	}
	if err != nil {
		return nil, fmt.Errorf("read the starter key: %s: %w; delete the file to have a new key made", path, err)
	}
	return s, nil
}

// keep stores a key that was made. It comes last in a start, so that no key is
// kept that nobody was shown.
func (s *starter) keep() error {
	if s == nil || s.text == nil {
		return nil
	}
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the starter key: %w", err)
	}
	if err := writeNew(s.path, s.text); err != nil {
		return fmt.Errorf("keep the starter key in %s: %w", dir, err)
	}
	s.text = nil
	return nil
}

func makeStarter(path string, now time.Time) (*starter, error) {
	id, key, err := vkey.Mint(rand.Reader)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	pepper, err := vkey.NewPepper(raw)
	if err != nil {
		return nil, err
	}
	digest := pepper.Digest(key.Reveal())
	r := starterRecord{Pepper: hex.EncodeToString(raw), ID: id, Digest: hex.EncodeToString(digest[:]), Created: now.UTC().Truncate(time.Second)}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	s := &starter{shown: key, path: path, text: append(text, '\n')}
	s.entry, s.pepper, err = r.entry()
	return s, err
}

// entry turns what is stored into a key of a set.
func (s *starterRecord) entry() (vkey.Entry, *vkey.Pepper, error) {
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
