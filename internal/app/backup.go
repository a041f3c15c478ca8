package app

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tollgate/internal/control"
)

// writeBackup writes all that a data directory needs to be one again as a tar
// archive: consistent copies of the database's files, and the pepper without which no
// key in them is known. The copies are made in the data directory first, where there
// must be room for them.
func (a *App) writeBackup(ctx context.Context, call control.Call, w io.Writer) (err error) {
	place, err := filepath.Abs(a.data.dir)
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	dir, err := os.MkdirTemp(place, "backup-")
	if err != nil {
		return fmt.Errorf("make a place for the copies: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := a.control.Backup(ctx, call, dir); err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the copies: %w", err)
	}
	for _, f := range files {
		if err := addFile(archive, filepath.Join(dir, f.Name()), a.parts.Now()); err != nil {
			return err
		}
	}
	if err := addFile(archive, filepath.Join(a.data.dir, pepperFile), a.parts.Now()); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}

func addFile(archive *tar.Writer, path string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a copy: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read a copy: %w", err)
	}
	head := &tar.Header{Name: filepath.Base(path), Mode: 0o600, Size: info.Size(), ModTime: at, Format: tar.FormatPAX}
	if err := archive.WriteHeader(head); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	if _, err := io.CopyN(archive, f, info.Size()); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}
