package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Repaired is what a repair found and did, each a sentence for people.
type Repaired []string

func (r *Repaired) say(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// repairFiles makes files with damaged pages anew from what can be read of them. It is done before
// anything else looks at them.
func repairFiles(ctx context.Context, at location, busy time.Duration) (found Repaired, err error) {
	for _, f := range []struct{ path, kind string }{{at.main, "main"}, {at.requests, "requests"}} {
		wrong, err := damage(ctx, f.path, busy)
		if err != nil {
			return found, fmt.Errorf("repair %s: %w", f.path, err)
		}
		if wrong == nil {
			continue
		}
		found.say("%s has damaged pages: %v", f.path, wrong)
		if err := rebuild(ctx, f.path, f.kind, busy, &found); err != nil {
			return found, fmt.Errorf("%s has damaged pages and cannot be made anew from what can be read (%w): restore a backup. The file is as it was", f.path, err)
		}
	}
	return found, nil
}

// damage tells what is wrong with the pages of a file, nil if nothing is or there is none.
func damage(ctx context.Context, path string, busy time.Duration) (wrong, err error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, nil
	}
	err = withDB(ctx, path, busy, func(c *sql.Conn) error {
		return quickCheck(&tx{ctx: ctx, conn: &conn{sql: c}})
	})
	if errors.Is(err, ErrCorrupt) {
		return err, nil
	}
	return nil, err
}

// withDB runs fn with a connection of its own to a file.
func withDB(ctx context.Context, path string, busy time.Duration, fn func(*sql.Conn) error) (err error) {
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := db.Conn(ctx)
	if err != nil {
		return translate(err, false)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return translate(fn(c), false)
}

// rebuild makes a file anew. The old one stays, under another name.
func rebuild(ctx context.Context, path, kind string, busy time.Duration, found *Repaired) error {
	fresh := path + ".repaired"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := migrate(ctx, fresh, kind, busy); err != nil {
		return err
	}
	target, err := open(ctx, fresh, durable, busy)
	if err != nil {
		return err
	}
	err = withDB(ctx, path, busy, func(c *sql.Conn) error {
		return target.write(ctx, durable, func(t *tx) error {
			s := &rescue{from: c, to: t, found: found}
			return s.run(ctx, kind)
		})
	})
	if err = errors.Join(err, target.close()); err != nil {
		return err
	}
	aside := path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	if err := replace(path, fresh, aside); err != nil {
		return err
	}
	found.say("%s is made anew from what could be read; the damaged file is kept as %s", path, aside)
	return nil
}

// replace puts a file in the place of a damaged one, which gets another name. There is a file in that
// place all the time: where a start finds none, it makes an empty database.
func replace(path, fresh, aside string) error {
	if err := os.Link(path, aside); err != nil {
		return err
	}
	// The log of the old file, if SQLite could not bring it into that, must not meet the new one.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// quarantine sets aside the rows that are not what was written: nothing is decided by them any more.
func (s *Store) quarantine(ctx context.Context, found *Repaired) error {
	return s.main.write(ctx, durable, func(t *tx) error {
		if err := t.quarantineKeys(found); err != nil {
			return err
		}
		for _, table := range []struct {
			name, noun, then string
			read             func(*objectRow) error
		}{
			{"limits", "shared limit", "in its place is one that admits no request of any key: edit it, or delete it and make the limit anew", func(r *objectRow) error { return second(limits{t}.read(r)) }},
			{"tokens", "admin token", "it opens nothing any more", func(r *objectRow) error { return second(tokens{t}.read(r)) }},
			{"credentials", "provider credential", "it is gone: store it anew", func(r *objectRow) error { return second(credentials{t}.read(r)) }},
		} {
			rows, err := t.objects(table.name)
			if err != nil {
				return err
			}
			for _, r := range rows {
				wrong := table.read(r)
				if !errors.Is(wrong, ErrCorrupt) {
					if wrong != nil {
						return wrong
					}
					continue
				}
				if err := t.setAside(table.name, r.id, r.name, wrong, r.doc); err != nil {
					return err
				}
				if err := t.do("DELETE FROM "+table.name+" WHERE id = ?", r.id); err != nil {
					return err
				}
				if table.name == "limits" {
					if err := (limits{t}).Put(r.standIn()); err != nil {
						return err
					}
				}
				found.say("the row of the %s %q (%s) is not what was written and is set aside; %s", table.noun, r.name, r.id, table.then)
			}
		}
		return nil
	})
}

func second[T any](_ T, err error) error { return err }

// badKey is a row of keys that cannot be read.
type badKey struct {
	n        int64
	id, name string
	doc      []byte
	wrong    error
}

func (t *tx) quarantineKeys(found *Repaired) error {
	var bad []badKey
	var dec decoder
	err := t.rows("SELECT id, name, "+keyColumns+" FROM keys", nil, func(scan func(...any) error) error {
		var r keyRow
		var id, name string
		if err := scan(append([]any{&id, &name}, r.into()...)...); err != nil {
			return err
		}
		k, err := dec.key(&r)
		if err == nil && k.ID != id {
			err = fmt.Errorf("the row of %s holds %s: %w", id, k.ID, ErrCorrupt)
		}
		if err != nil {
			bad = append(bad, badKey{r.n, id, name, []byte(r.doc), err})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range bad {
		if err := t.setAside("keys", k.id, k.name, k.wrong, k.doc); err != nil {
			return err
		}
		if err := (keys{t}).unindex(k.n); err != nil {
			return err
		}
		if err := t.do("DELETE FROM keys WHERE n = ?", k.n); err != nil {
			return err
		}
		found.say("the row of the virtual key %q (%s) is not what was written and is set aside; its secrets are good no longer: make the key anew", k.name, k.id)
	}
	return nil
}

func (t *tx) setAside(table, id, name string, wrong error, doc []byte) error {
	if doc == nil {
		doc = []byte{}
	}
	return t.do("INSERT INTO quarantine (at, kind, id, name, wrong, doc) VALUES (?, ?, ?, ?, ?, ?)",
		time.Now().UnixMicro(), table, id, strings.ToValidUTF8(name, "\ufffd"), strings.ToValidUTF8(wrong.Error(), "\ufffd"), doc)
}
