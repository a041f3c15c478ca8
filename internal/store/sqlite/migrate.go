package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Migrations are numbered without gaps and never changed once released: what was
// released is in testdata/released, from where every one is tested.
//
//go:embed migrations
var migrations embed.FS

// application marks our files among those of other programs: "toll" in SQLite's application_id.
const application = 0x746f6c6c

// migrate makes a database, or brings one of an earlier version up to date.
func migrate(ctx context.Context, path, kind string, busy time.Duration) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open the database %s: %w", path, translate(err, false))
		}
	}()
	if err := create(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := claim(ctx, db); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations/"+kind)
	if err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	have, err := version(ctx, db)
	if err != nil {
		return err
	}
	sources := steps.ListSources()
	known := sources[len(sources)-1].Version
	if have > known {
		return fmt.Errorf("it was written by a newer tollgate (format %d, this one knows %d): use that version, or restore a backup made before the upgrade", have, known)
	}
	if have == known {
		return nil
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("bring it up to date from format %d: %w", have, err)
	}
	return nil
}

// version is the number of the last migration that a database has seen, 0 if none.
func version(ctx context.Context, db *sql.DB) (have int64, err error) {
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&have)
	return have, err
}

// claim makes sure that a database is one of ours, or an empty one.
func claim(ctx context.Context, db *sql.DB) error {
	var id, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id == application { // a backup of ours has another journal
		_, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return errors.New("it belongs to another program: use another file")
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA journal_mode = WAL; PRAGMA application_id = %d", application))
	return err
}
