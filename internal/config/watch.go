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
	f := follower{}
	defer f.close()
	f.follow(w.dirs())
	net := time.NewTicker(netEvery)
	if f.events == nil { // no more watches to be had: look often instead
		net.Reset(blindEvery)
	}
	defer net.Stop()
	burst := time.NewTimer(0) // looks once at the start
	defer burst.Stop()
	var since time.Time // of the first event of a burst
	for {
		unseen := false
		select {
		case <-ctx.Done():
			return nil
		case e := <-f.happened():
			if since.IsZero() {
				since = time.Now()
			}
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				f.forget(e.Name)
			}
			burst.Reset(min(settle, max(0, settleMax-time.Since(since))))
			continue
		case <-f.failed(): // events were lost
		case <-w.wake:
		case <-net.C:
			unseen = true
		case <-burst.C:
			since = time.Time{}
		}
		f.follow(w.dirs())
		if w.look() {
			if unseen {
				f.forget("")
			}
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

// dirs gives the directories in which a change can change what is watched.
func (w *Watcher) dirs() map[string]os.FileInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	dirs := map[string]os.FileInfo{}
	for name := range w.files {
		addDirs(dirs, name)
	}
	return dirs
}

// addDirs adds the directories of a file and of the links on the way to it, by
// their real names. Directories and not files, because a file that is renamed
// over is another file.
func addDirs(dirs map[string]os.FileInfo, name string) {
	name, err := filepath.Abs(name)
	if err != nil {
		return
	}
	for range maxHops {
		dir := filepath.Dir(name)
		addDir(dirs, dir)
		if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
			addDir(dirs, filepath.Dir(dir)) // where a link to the directory may stand
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

// addDir adds a directory, or the nearest one above it that exists: there one
// can see it being made.
func addDir(dirs map[string]os.FileInfo, dir string) {
	for {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			if info, err := os.Stat(real); err == nil {
				dirs[real] = info
				return
			}
		}
		above := filepath.Dir(dir)
		if above == dir {
			return
		}
		dir = above
	}
}

// follower gets the operating system's events for a set of directories. A
// change of the set replaces the whole of it, which is rare and leaves nothing
// behind of directories that were removed, renamed and made again.
type follower struct {
	events *fsnotify.Watcher // nil: there are no events to be had
	dirs   map[string]os.FileInfo
}

func (f *follower) follow(dirs map[string]os.FileInfo) {
	same := f.events != nil && len(dirs) == len(f.dirs)
	for name, info := range dirs {
		same = same && f.dirs[name] != nil && os.SameFile(info, f.dirs[name])
	}
	if same {
		return
	}
	fresh, err := fsnotify.NewWatcher()
	if err != nil {
		return
	}
	for name := range dirs {
		_ = fresh.Add(name) // one that is gone again is found by looking
	}
	f.close()
	f.events, f.dirs = fresh, dirs
}

// forget makes the next follow get the events of a directory anew, "" those of all.
func (f *follower) forget(name string) {
	if name == "" {
		f.dirs = nil
	}
	delete(f.dirs, name)
}

func (f *follower) close() {
	if f.events != nil {
		_ = f.events.Close()
	}
}

func (f *follower) happened() <-chan fsnotify.Event {
	if f.events == nil {
		return nil
	}
	return f.events.Events
}

func (f *follower) failed() <-chan error {
	if f.events == nil {
		return nil
	}
	return f.events.Errors
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
