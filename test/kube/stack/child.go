package stack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopWithin is how long a program has to end by itself.
const stopWithin = 10 * time.Second

// child is a program that runs beside the tests and logs into a file.
type child struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// launch starts a program. It ends with this process, however that ends.
func launch(dir, path string, args ...string) (*child, error) {
	name := filepath.Base(path)
	c := &child{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer out.Close() // the child has its own
	c.cmd = exec.Command(path, args...)
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = dir, out, out
	c.cmd.SysProcAttr = WithParent()
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = c.cmd.Wait() // its exit is not news: who misses it reads the log
		close(c.exited)
	}()
	return c, nil
}

// stop ends the program, by force if it does not listen.
func (c *child) stop() {
	if c == nil {
		return
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-time.After(stopWithin):
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
}

// running tells that the program has not ended.
func (c *child) running() bool {
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// tail gives the end of the program's log.
func (c *child) tail() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(lines) > 15 {
		lines = lines[len(lines)-15:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}
