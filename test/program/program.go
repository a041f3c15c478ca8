// Package program builds the real tollgate once and runs it as a child
// process for the tests under test/: real ports, real signals, real files. It
// knows how the program is started, found ready and stopped, and nothing of
// what a test asks of it.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// ReadyWithin bounds the wait for a started program: far more than it needs
// (a tenth of a second), so that a busy machine fails no test.
const ReadyWithin = 20 * time.Second

// poll is the pause between two looks at something that has no notification.
const poll = 10 * time.Millisecond

var build = sync.OnceValues(func() (string, error) {
	if ready := os.Getenv("TOLLGATE_TEST_BINARY"); ready != "" {
		return ready, nil
	}
	dir, err := os.MkdirTemp("", "tollgate-test-")
	if err != nil {
		return "", fmt.Errorf("making a place for the program: %w", err)
	}
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if err := readSources(root); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "tollgate")
	args := []string{"build", "-o", binary}
	if Race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/tollgate")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return binary, nil
})

// readSources looks at every source folder of the program. go test remembers
// what a test looked at and runs it again when that has changed; what the
// compiler, a child process, reads it does not see.
func readSources(root string) error {
	for _, dir := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return fmt.Errorf("looking at the sources: %w", err)
		}
	}
	_, err := os.Stat(filepath.Join(root, "go.sum"))
	return err
}

// Path gives the path of the program, which is built on first use. The
// environment variable TOLLGATE_TEST_BINARY names a ready one instead.
func Path() (string, error) { return build() }

// Clean removes what Path built; call it when the tests of a package are over.
func Clean() {
	if os.Getenv("TOLLGATE_TEST_BINARY") != "" {
		return
	}
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// Options say how to start the program.
type Options struct {
	Args  []string
	Env   []string // the whole environment
	Dir   string   // working directory
	Stdin io.Reader
	// Ready is the URL that answers 200 once the program serves; "" does not wait.
	Ready string
}

// Process is a running program.
type Process struct {
	Stdout, Stderr *Output
	cmd            *exec.Cmd
	exited         chan struct{}
	err            error
}

// Start runs the program and waits until it is ready. A program that ends
// before is an error that holds what it printed.
func Start(opt Options) (*Process, error) {
	path, err := Path()
	if err != nil {
		return nil, err
	}
	p := &Process{Stdout: &Output{}, Stderr: &Output{}, exited: make(chan struct{})}
	p.cmd = exec.Command(path, opt.Args...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdin = opt.Env, opt.Dir, opt.Stdin
	p.cmd.Stdout, p.cmd.Stderr = p.Stdout, p.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	if opt.Ready == "" {
		return p, nil
	}
	if err := p.waitReady(opt.Ready); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w\nstdout:\n%s\nstderr:\n%s", err, p.Stdout, p.Stderr)
	}
	return p, nil
}

func (p *Process) waitReady(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), ReadyWithin)
	defer cancel()
	for {
		if status, err := get(ctx, url); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the program ended before it was ready: %w", p.ended())
		case <-ctx.Done():
			return fmt.Errorf("the program was not ready at %s within %v", url, ReadyWithin)
		case <-time.After(poll):
		}
	}
}

func get(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// ended is the error of a program that has ended, never nil.
func (p *Process) ended() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("exit status 0")
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the program.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// Wait waits until the program has ended by itself and gives its exit code.
func (p *Process) Wait(within time.Duration) (int, error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("the program is still running after %v\nstderr:\n%s", within, p.Stderr)
	}
}

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Stop asks the program to end as an operator would and gives its exit code.
func (p *Process) Stop() (int, error) {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, fmt.Errorf("stopping the program: %w", err)
	}
	return p.Wait(ReadyWithin)
}

// distress is what a program prints that panics or races.
var distress = regexp.MustCompile(`(?m)^(panic:|fatal error:|WARNING: DATA RACE|goroutine \d+ \[running\])`)

// Healthy gives an error if the program has printed the trace of a panic, even
// of one that it survived, or a report of the race detector.
func (p *Process) Healthy() error {
	for _, out := range []*Output{p.Stdout, p.Stderr} {
		if text := out.String(); distress.MatchString(text) {
			return fmt.Errorf("the program is not well:\n%s", text)
		}
	}
	return nil
}

// Kill ends the program at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Output is what the program printed so far; safe for concurrent use.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// String gives everything printed so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
