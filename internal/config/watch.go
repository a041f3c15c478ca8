package config

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long a Watcher waits for a burst of changes to end, and
	// settleMax how long at most.
	settle    = 100 * time.Millisecond
	settleMax = 500 * time.Millisecond
	// netEvery is how often it looks by itself, for file systems that tell
	// nothing; blindEvery if the operating system tells nothing at all.
	netEvery   = 3 * time.Second
	blindEvery = 750 * time.Millisecond
	// maxHops bounds the links that are followed from a file.
	maxHops = 16
)

// sum is the SHA-256 of a file's content, zero for a file that cannot be read.
type sum [sha256.Size]byte

// Watcher tells when the content of a configuration or of a file that it refers
// to changed, however the change was made: written in place, renamed over,
// removed and made again, or by a symbolic link on the way to it. It is safe for concurrent use.
type Watcher struct {
	mu    sync.Mutex
	files map[string]sum
	wake  chan struct{} // the set of files changed
}

// NewWatcher makes a Watcher for the configuration that was just loaded.
func NewWatcher(report *Report) *Watcher {
	w := &Watcher{wake: make(chan struct{}, 1)}
	w.Watch(report)
	return w
}

// Watch says what is watched from now on: the file of the source that Load
// gave the report for, and those that it refers to. A change since Load read
// them is told too. To be called after every load, also one with problems.
func (w *Watcher) Watch(report *Report) {
	w.mu.Lock()
	w.files = maps.Clone(report.sums)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run calls changed after each change, from this goroutine, until ctx ends;
// several changes within a moment are told once. changed may call Watch.
func (w *Watcher) Run(ctx context.Context, changed func()) error {
	events, err := fsnotify.NewWatcher()
	every := netEvery
	var happened chan fsnotify.Event
	var failed chan error
	if err != nil { // no more watches to be had: look often instead
		every = blindEvery
	} else {
		defer events.Close()
		happened, failed = events.Events, events.Errors
	}
	net := time.NewTicker(every)
	defer net.Stop()
	burst := time.NewTimer(settle) // looks once at the start
	defer burst.Stop()
	since := time.Now()
	pending := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
			if !pending {
				pending, since = true, time.Now()
			}
			burst.Reset(min(settle, max(0, settleMax-time.Since(since))))
			continue
		case <-failed: // events were lost
		case <-w.wake:
		case <-net.C:
		case <-burst.C:
			pending = false
		}
		if events != nil {
			w.follow(events)
		}
		if w.look() {
			changed()
		}
	}
}

// look tells whether any content differs from what it was, and takes note of
// what it is now.
func (w *Watcher) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	different := false
	for name, before := range w.files {
		if now := sumOf(name); now != before {
			w.files[name] = now
			different = true
		}
	}
	return different
}

// follow watches the directories of all files and of the links on the way to
// them. Directories and not files, because a file that is renamed over is
// another file; again and again, because a directory may be made anew.
func (w *Watcher) follow(events *fsnotify.Watcher) {
	w.mu.Lock()
	names := make([]string, 0, len(w.files))
	for name := range w.files {
		names = append(names, name)
	}
	w.mu.Unlock()
	wanted := map[string]bool{}
	for _, name := range names {
		addDirs(wanted, name)
	}
	for dir := range wanted {
		_ = events.Add(dir) // one that does not exist yet is found by looking
	}
	for _, dir := range events.WatchList() {
		if !wanted[dir] {
			_ = events.Remove(dir)
		}
	}
}

// addDirs adds the directories in which a change can change the content of a file.
func addDirs(dirs map[string]bool, name string) {
	name, err := filepath.Abs(name)
	if err != nil {
		return
	}
	for range maxHops {
		dir := filepath.Dir(name)
		dirs[dir] = true
		if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
			dirs[real] = true
			dirs[filepath.Dir(dir)] = true // where the link to the directory stands
		}
		target, err := os.Readlink(name)
		if err != nil {
			return
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		name = target
	}
}

// sumOf gives the sum of a file, zero if it cannot be read.
func sumOf(name string) sum {
	f, err := os.Open(name)
	if err != nil {
		return sum{}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum{}
	}
	return sum(h.Sum(nil))
}
