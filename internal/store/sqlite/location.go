package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	mainName     = "tollgate.db"
	requestsName = "requests.db"
	lockName     = "tollgate.lock"
	markName     = "ledger.mark"
	tailName     = "ledger.tail"
)

// location is where the files of a database are.
type location struct {
	main, requests, mark string
	tail                 [2]string
	locks                []string
	cleanup              func() error
}

// locate finds the files that the options mean, and makes their directory.
func locate(o Options) (location, error) {
	if o.URL == "sqlite::memory:" {
		dir, err := os.MkdirTemp("", "tollgate-")
		if err != nil {
			return location{}, fmt.Errorf("make a place for a temporary database: %w", err)
		}
		at := inside(dir)
		at.cleanup = func() error { return os.RemoveAll(dir) }
		return at, nil
	}
	path := o.Dir
	if o.URL != "" {
		rest, ok := strings.CutPrefix(o.URL, "sqlite://")
		if !ok || rest == "" || strings.ContainsAny(rest, "?#") {
			return location{}, fmt.Errorf("%q is no place for a database: use sqlite://DIRECTORY or sqlite://FILE.db, without anything behind", o.URL)
		}
		path = rest
	}
	if path == "" {
		return location{}, errors.New("a database needs a data directory or a URL")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return location{}, err
	}
	at := inside(path)
	if o.URL != "" && isFile(path) {
		at = beside(path)
	}
	if o.Dir != "" { // others keep files there that go with the database, so it is held too
		own, err := filepath.Abs(o.Dir)
		if err != nil {
			return location{}, err
		}
		if held := filepath.Join(own, lockName); held != at.locks[0] {
			at.locks = append(at.locks, held)
		}
	}
	for _, file := range append(at.locks, at.main) {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return location{}, fmt.Errorf("make the data directory: %w", err)
		}
	}
	return at, nil
}

func inside(dir string) location {
	return location{
		main: filepath.Join(dir, mainName), requests: filepath.Join(dir, requestsName), mark: filepath.Join(dir, markName),
		tail:  tails(filepath.Join(dir, tailName)),
		locks: []string{filepath.Join(dir, lockName)},
	}
}

// beside gives the files that go with the main one.
func beside(path string) location {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	return location{
		main: path, requests: stem + "-requests" + ext, mark: stem + ".mark", tail: tails(stem + ".tail"), locks: []string{stem + ".lock"},
	}
}

// tails gives the names of the two files of a tail.
func tails(stem string) [2]string { return [2]string{stem + "-1", stem + "-2"} }

// isFile tells whether a path names a database rather than a directory for one.
func isFile(path string) bool {
	if info, err := os.Stat(path); err == nil {
		return !info.IsDir()
	}
	return filepath.Ext(path) != ""
}

// create makes an empty file that only its owner can read, unless it is there.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return f.Close()
}
