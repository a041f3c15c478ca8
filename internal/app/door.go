package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// doorFile tells the command line on this machine where the admin listener is
// and opens it. It is made anew by every start and readable by its owner alone.
const doorFile = "admin.json"

// door is what it holds.
type door struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started_at"`
}

// leaveDoor writes the file. Without an admin listener there is nothing to write.
func (a *App) leaveDoor(ctx context.Context) error {
	path := filepath.Join(a.data.dir, doorFile)
	if a.adminURL == "" {
		a.removeDoor()
		return nil
	}
	token, err := a.control.LocalToken(ctx)
	if err != nil {
		return fmt.Errorf("make the admin token for this machine: %w", err)
	}
	text, err := json.MarshalIndent(door{URL: a.adminURL, Token: token.Reveal(), PID: os.Getpid(), Started: a.began.UTC().Truncate(time.Second)}, "", "  ")
	if err != nil {
		return err
	}
	if err := writeNew(path, append(text, '\n')); err != nil {
		return fmt.Errorf("leave the admin token for this machine in %s: %w", path, err)
	}
	return nil
}

// removeDoor takes the file away, so that nobody knocks where nobody is.
func (a *App) removeDoor() { _ = os.Remove(filepath.Join(a.data.dir, doorFile)) }

// writeNew writes a file whole or not at all, readable by its owner alone.
func writeNew(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.Write(text); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Sync(); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
