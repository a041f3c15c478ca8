package config_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/config"
)

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// watched is a configuration in real files, with a Watcher that reloads it.
type watched struct {
	t       *testing.T
	file    string
	changes chan *config.Config // nil for a load that failed
	done    chan struct{}
	stop    context.CancelFunc
}

func watch(t *testing.T, file string) *watched {
	t.Helper()
	w := &watched{t: t, file: file, changes: make(chan *config.Config, 100), done: make(chan struct{})}
	_, report := w.load()
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	watcher := config.NewWatcher(report)
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() {
		defer close(w.done)
		if err := watcher.Run(ctx, func() {
			c, report := w.load()
			if report == nil {
				w.changes <- nil
				return
			}
			watcher.Watch(report)
			if report.Err() != nil {
				c = nil
			}
			w.changes <- c
		}); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(w.end)
	return w
}

func (w *watched) load() (*config.Config, *config.Report) {
	src, err := config.ReadSource(w.file)
	if err != nil {
		return nil, nil
	}
	return config.Load(src, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
}

// end stops the Watcher and waits for it.
func (w *watched) end() {
	w.stop()
	select {
	case <-w.done:
	case <-time.After(patience):
		w.t.Error("the watcher does not end")
	}
}

// until waits for a change after which the credential of the one model is as
// wanted; "" is for a configuration that cannot be loaded.
func (w *watched) until(want string) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case c := <-w.changes:
			switch {
			case c == nil && want == "":
				return
			case c != nil && c.LLM.Models[0].Params.APIKey.Text.Reveal() == want:
				return
			}
		case <-deadline:
			w.t.Fatalf("the change to %q was not told", want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func inline(key string) string {
	return "llm: {models: [{name: a, provider: openAI, params: {apiKey: " + key + "}}]}\n"
}

func TestWatchInPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, inline("one"))
	w := watch(t, file)
	start := time.Now()
	write(t, file, inline("two"))
	w.until("two")
	if took := time.Since(start); took > time.Second {
		t.Errorf("told after %v", took)
	}
	write(t, file, "llm: {")
	w.until("")
	write(t, file, inline("three"))
	w.until("three")
}

func TestWatchReplacedAndRemoved(t *testing.T) {
	dir := t.TempDir()
	file, beside := filepath.Join(dir, "config.yaml"), filepath.Join(dir, ".config.yaml.swp")
	write(t, file, inline("one"))
	w := watch(t, file)
	for _, key := range []string{"two", "three"} {
		write(t, beside, inline(key))
		must(t, os.Rename(beside, file))
		w.until(key)
	}
	must(t, os.Remove(file))
	w.until("")
	write(t, file, inline("four"))
	w.until("four")
}

// TestWatchDirectoryMadeAnew removes even the directory.
func TestWatchDirectoryMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	file := filepath.Join(dir, "config.yaml")
	must(t, os.Mkdir(dir, 0o700))
	write(t, file, inline("one"))
	w := watch(t, file)
	must(t, os.RemoveAll(dir))
	w.until("")
	must(t, os.Mkdir(dir, 0o700))
	write(t, file, inline("two"))
	w.until("two")
	write(t, file, inline("three"))
	w.until("three")
}

// TestWatchKubernetes swaps the link that all files of a mounted volume go
// through, the configuration's and a secret's.
func TestWatchKubernetes(t *testing.T) {
	root := t.TempDir()
	volume := func(name, file string) func(version, text string) {
		dir := filepath.Join(root, name)
		must(t, os.Mkdir(dir, 0o700))
		last := ""
		return func(version, text string) {
			must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
			write(t, filepath.Join(dir, version, file), text)
			must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
			must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
			if last == "" {
				must(t, os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)))
			} else {
				must(t, os.RemoveAll(filepath.Join(dir, last)))
			}
			last = version
		}
	}
	putConfig, putKey := volume("config", "config.yaml"), volume("secret", "key")
	text := inline("{file: " + filepath.Join(root, "secret", "key") + "}")
	putKey("..1", "one\n")
	putConfig("..1", text)
	w := watch(t, filepath.Join(root, "config", "config.yaml"))
	putKey("..2", "two\n")
	w.until("two")
	putKey("..3", "three\n")
	w.until("three")
	putConfig("..2", inline("four"))
	w.until("four")
	putConfig("..3", text)
	w.until("three")
	putKey("..4", "five")
	w.until("five")
}

// TestWatchFilesThatComeAndGo follows the files of the configuration in force,
// also one that is not there yet.
func TestWatchFilesThatComeAndGo(t *testing.T) {
	root := t.TempDir()
	file, key := filepath.Join(root, "config.yaml"), filepath.Join(root, "more", "key")
	write(t, file, inline("one"))
	w := watch(t, file)
	write(t, file, inline("{file: "+key+"}"))
	w.until("")
	must(t, os.Mkdir(filepath.Dir(key), 0o700))
	write(t, key, "two")
	w.until("two")
	write(t, key, "three")
	w.until("three")
}

// TestWatchSameContent holds that a file that is only touched is not loaded again.
func TestWatchSameContent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, inline("one"))
	w := watch(t, file)
	must(t, os.Chtimes(file, time.Now(), time.Now()))
	write(t, file, inline("one"))
	must(t, os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)))
	write(t, file, inline("two"))
	w.until("two")
	w.end()
	if len(w.changes) != 0 {
		t.Errorf("%d more changes were told", len(w.changes))
	}
}

// TestWatchSinceLoad tells a change between loading and watching.
func TestWatchSinceLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	write(t, file, inline("one"))
	src, err := config.ReadSource(file)
	must(t, err)
	_, report := config.Load(src, config.Options{})
	write(t, file, inline("two"))
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	told := false
	must(t, config.NewWatcher(report).Run(ctx, func() { told = true; stop() }))
	if !told {
		t.Error("the change was not told")
	}
}

func TestReadSource(t *testing.T) {
	if _, err := config.ReadSource(filepath.Join(t.TempDir(), "nowhere.yaml")); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := config.ReadSource(t.TempDir()); err == nil {
		t.Error("a directory was read")
	}
}

// TestLargeFile bounds what is read of a file that a configuration names.
func TestLargeFile(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	write(t, key, "")
	if err := os.Truncate(key, 32<<20+1); err != nil {
		t.Fatal(err)
	}
	_, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(inline("{file: " + key + "}"))}, config.Options{})
	check(t, report.Err().Error(), "c.yaml:1:68: llm.models[0].params.apiKey.file: cannot read the file "+key+": larger than 33554432 bytes")
}
