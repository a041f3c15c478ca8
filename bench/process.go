package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/load"
	"tollgate/bench/proc"
)

const (
	// startWithin bounds the wait for a first answer, stopWithin the one for
	// the end after a signal.
	startWithin = 20 * time.Second
	stopWithin  = 15 * time.Second

	gatewayCore = 0
	loadCore    = 1
)

// process is a running subject.
type process struct {
	name string
	// Where answers and streams are to be had; nginx has two addresses.
	addr, streamAddr string
	admin, stats     string // addresses of tollgate, "" for others
	pids             []int
	took             time.Duration // from start to first answer
	logPath          string        // all that it printed

	cmd    *exec.Cmd
	exited chan struct{}
}

func (p *process) address(stream bool) string {
	if stream {
		return p.streamAddr
	}
	return p.addr
}

// launch starts a gateway and waits for its first answer through a key.
func (s *suite) launch(ctx context.Context, p *process, argv []string) error {
	p.logPath = filepath.Join(s.dir, p.name+".log")
	// Appending lets us empty the file while the program goes on writing.
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the log of %s: %w", p.name, err)
	}
	defer log.Close()
	p.cmd = s.command(gatewayCore, argv)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.exited = make(chan struct{})
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is of no interest, its output tells why
		close(p.exited)
	}()
	if err := s.firstAnswer(ctx, p, start.Add(startWithin)); err != nil {
		p.stop()
		return err
	}
	p.took = time.Since(start)
	if p.pids, err = proc.Default.Tree(p.cmd.Process.Pid); err != nil {
		p.stop()
	}
	return err
}

func (s *suite) firstAnswer(ctx context.Context, p *process, until time.Time) error {
	for {
		status, _, err := ask(ctx, p.addr, s.keys[0], load.Body(fakeprovider.ModelJSON, false))
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended at once and printed:\n%s", p.name, p.printed())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(until) {
			return fmt.Errorf("%s does not answer (%d, %v) and printed:\n%s", p.name, status, err, p.printed())
		}
	}
}

// printed is the beginning of what the process wrote.
func (p *process) printed() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(text[:min(len(text), 4000)])
}

// stop ends the process, gently first.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// command prepares a child on a core of its own, where there is one.
func (s *suite) command(core int, argv []string) *exec.Cmd {
	if s.pinned {
		argv = append([]string{"taskset", "-c", strconv.Itoa(core)}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TOLLGATE_ADMIN_TOKEN="+adminToken)
	if s.pinned {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	return cmd
}

// startProvider runs the fake provider as a child and gives its address.
func (s *suite) startProvider() (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := s.command(loadCore, []string{self, "provider"})
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the fake provider: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("waiting for the fake provider: %w", err)
	}
	s.provider = strings.TrimSpace(line)
	s.loadPIDs = []int{os.Getpid(), cmd.Process.Pid}
	return stop, nil
}

// ask makes one request with the standard client, on a connection of its own.
func ask(ctx context.Context, addr, key, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// freePorts gives loopback addresses on which nothing listens, below the range
// that the kernel takes for outgoing connections.
func freePorts(n int) ([]string, error) {
	var addrs []string
	for port := 21000; port < 32000 && len(addrs) < n; port++ {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer ln.Close() // after the loop, so that no port comes twice
		addrs = append(addrs, ln.Addr().String())
	}
	if len(addrs) < n {
		return nil, fmt.Errorf("found only %d of %d free ports", len(addrs), n)
	}
	return addrs, nil
}
