package script

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/test/program"
	"tollgate/test/upstream"
)

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// poll is the pause between two looks.
const poll = 10 * time.Millisecond

type worldKey struct{}

// world is what one script has set up: its program, providers and streams.
type world struct {
	dir       string
	env       map[string]string // what the program is started with
	ready     string            // URL that tells readiness
	client    *http.Client
	program   *program.Process
	upstreams map[string]*upstream.Server
	streams   map[string]*stream
	hammers   map[string]*hammer
}

func newWorld(dir string) *world {
	return &world{
		dir: dir, env: map[string]string{},
		upstreams: map[string]*upstream.Server{}, streams: map[string]*stream{}, hammers: map[string]*hammer{},
	}
}

// close ends everything. No script may leave a program behind that has
// panicked or raced, whatever the script was about.
func (w *world) close() error {
	for _, s := range w.streams {
		s.cancel()
	}
	for _, h := range w.hammers {
		h.stop()
	}
	defer func() {
		for _, u := range w.upstreams {
			u.Close()
		}
	}()
	if w.program == nil {
		return nil
	}
	if w.program.Running() {
		w.program.Kill()
	}
	return w.program.Healthy()
}

// environ is the environment of the program: what the script set up and the
// few variables that any program needs.
func (w *world) environ(more []string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	for name, value := range w.env {
		env = append(env, name+"="+value)
	}
	return append(env, more...)
}

// errUsage is the error of a command that a script uses wrongly; no "!" in
// front of the command excuses it.
var errUsage = errors.New("wrong use of the command, see README.md")

// command makes an error of fn the failure of the script, or with a "!" in
// front of the command the other way around.
func command(fn func(ts *testscript.TestScript, w *world, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := fn(ts, ts.Value(worldKey{}).(*world), args)
		switch {
		case errors.Is(err, errUsage):
			ts.Fatalf("%v", err)
		case neg && err == nil:
			ts.Fatalf("unexpected success")
		case neg:
			ts.Logf("failed as expected: %v", err)
		default:
			ts.Check(err)
		}
	}
}

// eventually calls look until it succeeds, and gives its last error if that
// does not happen in time.
func eventually(look func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := look()
		if err == nil || errors.Is(err, errUsage) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", patience, err)
		case <-time.After(poll):
		}
	}
}

// assignments splits leading NAME=VALUE words from the rest.
func assignments(args []string) (env, rest []string) {
	for i, arg := range args {
		name, _, ok := strings.Cut(arg, "=")
		if !ok || strings.HasPrefix(name, "-") || strings.ToUpper(name) != name {
			return args[:i], args[i:]
		}
	}
	return args, nil
}
