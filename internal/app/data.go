package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	_ "time/tzdata" // windows are in time zones that this machine may not have

	"tollgate/internal/config"
	"tollgate/internal/ledger"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vault"
	"tollgate/internal/vkey"
)

// pepperFile is the file in the data directory, beside those of the database, with the
// pepper of the digests of virtual keys and admin tokens in hexadecimal.
const pepperFile = "pepper"

// data is what outlives the process: the database and what its content is bound to.
type data struct {
	dir    string
	store  *sqlite.Store
	books  *ledger.Books
	found  ledger.Report // when the books were opened
	pepper *vkey.Pepper
	vault  *vault.Vault // nil: no master key
}

// openData opens the data directory, makes it if there is none, and checks the books.
func (a *App) openData(ctx context.Context, c *config.Config) (*data, error) {
	dir := a.dataDir(c)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w; --data-dir names another place", err)
	}
	a.warnOfOthers(dir)
	s, err := sqlite.Open(ctx, sqlite.Options{Dir: dir, URL: c.Process.Database.URL, Repair: a.options.Repair, BootID: bootID()})
	if err != nil {
		return nil, err
	}
	d := &data{dir: dir, store: s}
	if err := a.openParts(ctx, d, c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return d, nil
}

// warnOfOthers tells if users beside our own can change or read what is kept: one that was
// there before tollgate made it may be open to all. It is no reason not to start, because
// volumes of containers often are.
func (a *App) warnOfOthers(dir string) {
	for path, bits := range map[string]fs.FileMode{dir: 0o022, filepath.Join(dir, pepperFile): 0o077} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&bits != 0 {
			a.log.Warn("other users of this machine can get at what is kept: whoever can write to the data directory, or read the pepper and the database, can make themselves an owner; take their rights away (chmod go-rwx)",
				"path", path, "mode", fmt.Sprintf("%#o", info.Mode().Perm()))
		}
	}
}

// openParts opens what belongs to an open database.
func (a *App) openParts(ctx context.Context, d *data, c *config.Config) (err error) {
	dir := d.dir
	if d.pepper, err = openPepper(ctx, filepath.Join(dir, pepperFile), d.store); err != nil {
		return err
	}
	if d.vault, err = a.openVault(ctx, d.store, c.Tollgate.MasterKeyFile); err != nil {
		return err
	}
	d.books, d.found, err = ledger.Recover(ctx, ledger.Config{
		Journal: d.store.Journal(), Witness: d.store.Mark(), BootID: bootID(), Lost: d.store.LostTail(), Repair: a.options.Repair,
	})
	if errors.Is(err, ledger.ErrUnavailable) {
		return fmt.Errorf("open the ledger in %s: %w", dir, err)
	}
	if err != nil {
		return fmt.Errorf("the ledger in %s does not verify: %w\n"+
			"Nothing was changed. Restore a backup, or start with --repair to go on with what is there and put that on record (docs/operations.md)", dir, err)
	}
	return nil
}

// openPepper reads the pepper, or makes one for a database that has no secrets yet.
func openPepper(ctx context.Context, path string, s store.Store) (*vkey.Pepper, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makePepper(ctx, path, s); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("read the pepper of the virtual keys: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s is no pepper: it must be hexadecimal digits. Restore it from a backup: without it no key of this database is known again", path)
	}
	p, err := vkey.NewPepper(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func makePepper(ctx context.Context, path string, s store.Store) ([]byte, error) {
	var tokens []*store.Token
	var keys int64
	err := s.View(ctx, func(tx store.Tx) (err error) {
		if tokens, err = tx.Tokens().List(); err != nil {
			return err
		}
		keys, err = tx.Keys().Count(store.KeyQuery{Origin: vkey.Managed})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for secrets in the database: %w", err)
	}
	if len(tokens) > 0 || keys > 0 {
		return nil, fmt.Errorf("%s is missing, and without it no key of this database is known again: restore it from a backup", path)
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	text := []byte(hex.EncodeToString(raw) + "\n")
	if err := writeNew(path, text); err != nil {
		return nil, fmt.Errorf("keep the pepper of the virtual keys: %w", err)
	}
	return text, nil
}

// wrappedKey is the setting that holds the data key of the vault, wrapped by the
// master key.
const wrappedKey = "vault.data_key"

// openVault opens what provider credentials are sealed with, nil without a master key.
func (a *App) openVault(ctx context.Context, s store.Store, masterKeyFile string) (*vault.Vault, error) {
	master, err := a.masterKey(masterKeyFile)
	if err != nil || master.Empty() {
		return nil, err
	}
	var v *vault.Vault
	err = s.Update(ctx, func(tx store.Tx) error {
		wrapped, err := tx.Settings().Get(wrappedKey)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if v, wrapped, err = vault.New(master, rand.Reader); err == nil {
				err = tx.Settings().Put(wrappedKey, wrapped)
			}
		case err == nil:
			v, wrapped, err = a.unwrap(master, wrapped)
			if err == nil && wrapped != nil {
				err = tx.Settings().Put(wrappedKey, wrapped)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the stored provider credentials: %w", err)
	}
	return v, nil
}

// unwrap opens the vault. Where another master key had wrapped it, and that is given as
// the previous one, the vault is wrapped anew: the master key was changed.
func (a *App) unwrap(master secret.Text, wrapped []byte) (*vault.Vault, []byte, error) {
	v, err := vault.Open(master, wrapped)
	previous := secret.New(a.options.env("TOLLGATE_MASTER_KEY_PREVIOUS"))
	if !errors.Is(err, vault.ErrKey) || previous.Empty() {
		return v, nil, err
	}
	if v, err = vault.Open(previous, wrapped); err != nil {
		return nil, nil, fmt.Errorf("with TOLLGATE_MASTER_KEY_PREVIOUS: %w", err)
	}
	wrapped, err = v.Rewrap(master)
	return v, wrapped, err
}

// masterKey reads the master key, empty if there is none.
func (a *App) masterKey(configured string) (secret.Text, error) {
	value := a.options.env("TOLLGATE_MASTER_KEY")
	path := cmp.Or(a.options.env("TOLLGATE_MASTER_KEY_FILE"), configured)
	switch {
	case value != "" && path != "":
		return secret.Text{}, errors.New("the master key is given twice, by TOLLGATE_MASTER_KEY and in a file: leave one of them out")
	case path != "":
		text, err := os.ReadFile(path)
		if err != nil {
			return secret.Text{}, fmt.Errorf("read the master key: %w", err)
		}
		value = strings.TrimSpace(string(text))
	}
	return secret.New(value), nil
}

// minToken is how long an admin token from the environment must be, in characters:
// one that is shorter can be guessed.
const minToken = 16

// ownerToken is the admin token of the environment, empty if there is none.
func (a *App) ownerToken() (secret.Text, error) {
	token := a.options.env("TOLLGATE_ADMIN_TOKEN")
	switch {
	case token == "":
		return secret.Text{}, nil
	case vkey.LooksIssued(token):
		return secret.Text{}, errors.New("TOLLGATE_ADMIN_TOKEN is a virtual key: it opens nothing for operators. Choose another (openssl rand -hex 32), or leave it out and use the token of the first start")
	case len(token) < minToken:
		return secret.Text{}, fmt.Errorf("TOLLGATE_ADMIN_TOKEN has %d characters and needs %d or more (openssl rand -hex 32), or leave it out and use the token of the first start", len(token), minToken)
	}
	return secret.New(token), nil
}

// bootID names the time since the machine was started, "" where that is not known.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
