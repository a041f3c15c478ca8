package script

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/test/program"
)

// start [NAME=VALUE…] [-stdin FILE] [ARG…] runs the program in the background
// and waits until it is ready.
func cmdStart(ts *testscript.TestScript, w *world, args []string) error {
	if w.program != nil && w.program.Running() {
		return fmt.Errorf("%w: the program runs already", errUsage)
	}
	env, args := assignments(args)
	opt := program.Options{Env: w.environ(env), Dir: ts.MkAbs("."), Ready: w.ready}
	if len(args) > 1 && args[0] == "-stdin" {
		opt.Stdin, args = strings.NewReader(ts.ReadFile(args[1])), args[2:]
	}
	opt.Args = args
	for _, assignment := range env {
		if assignment == "READINESS_ADDR=" { // the documented default
			opt.Ready = "http://localhost:15021/healthz/ready"
		}
	}
	p, err := program.Start(opt)
	if err != nil {
		_, _ = io.WriteString(ts.Stderr(), err.Error()+"\n")
		return err
	}
	w.program = p
	return nil
}

// stop ends the program as an operator would; its output becomes the output of
// the command. It must end with exit status 0.
func cmdStop(ts *testscript.TestScript, w *world, args []string) error {
	if w.program == nil || len(args) != 0 {
		return errUsage
	}
	code, err := w.program.Stop()
	_, _ = io.WriteString(ts.Stdout(), w.program.Stdout.String())
	_, _ = io.WriteString(ts.Stderr(), w.program.Stderr.String())
	if err == nil && code != 0 {
		err = fmt.Errorf("the program ended with exit status %d", code)
	}
	return errors.Join(err, w.program.Healthy())
}

// exits CODE COMMAND [ARG…] runs a command to its end and requires the exit code.
func cmdExits(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			return err
		}
		code = ended.ExitCode()
	}
	if code != want {
		return fmt.Errorf("exit code %d, want %d", code, want)
	}
	return nil
}

// signal NAME sends a signal to the program.
func cmdSignal(_ *testscript.TestScript, w *world, args []string) error {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}
	if len(args) != 1 || signals[args[0]] == 0 || w.program == nil {
		return errUsage
	}
	return w.program.Signal(signals[args[0]])
}

// logs gives everything that the program printed so far.
func cmdLogs(ts *testscript.TestScript, w *world, args []string) error {
	if w.program == nil || len(args) != 0 {
		return errUsage
	}
	_, _ = io.WriteString(ts.Stdout(), w.program.Stdout.String())
	_, _ = io.WriteString(ts.Stdout(), w.program.Stderr.String())
	return nil
}

// logged REGEXP waits until the program has printed a match.
func cmdLogged(_ *testscript.TestScript, w *world, args []string) error {
	if len(args) != 1 || w.program == nil {
		return errUsage
	}
	re, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return eventually(func() error {
		printed := w.program.Stdout.String() + w.program.Stderr.String()
		if re.MatchString(printed) {
			return nil
		}
		return fmt.Errorf("nothing printed matches %q:\n%s", args[0], printed)
	})
}

// paste runs the first command line with curl that the program printed, exactly
// as it stands, in a shell.
func cmdPaste(ts *testscript.TestScript, w *world, args []string) error {
	if w.program == nil || len(args) != 0 {
		return errUsage
	}
	line, err := curlLine(w.program.Stdout.String() + w.program.Stderr.String())
	if err != nil {
		return err
	}
	ts.Logf("%s", line)
	cmd := exec.Command("sh", "-c", line)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	return cmd.Run()
}

// curlLine finds a command that begins with curl, with the lines that it is
// continued on: after a backslash, or while a quote is open.
func curlLine(printed string) (string, error) {
	lines := strings.Split(printed, "\n")
	for i, line := range lines {
		text := strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		if !strings.HasPrefix(text, "curl ") {
			continue
		}
		for strings.HasSuffix(text, `\`) || strings.Count(text, "'")%2 == 1 {
			if i++; i == len(lines) {
				return "", errors.New("the command with curl does not end")
			}
			text += "\n" + lines[i]
		}
		return text, nil
	}
	return "", fmt.Errorf("the program printed no command with curl:\n%s", printed)
}

// edit FILE OLD NEW [OLD NEW…] replaces text in a file as editors do: a new file is
// written beside it and renamed over it. \n stands for the end of a line.
func cmdEdit(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) < 3 || len(args)%2 == 0 {
		return errUsage
	}
	text := ts.ReadFile(args[0])
	for i := 1; i < len(args); i += 2 {
		before, after := strings.ReplaceAll(args[i], `\n`, "\n"), strings.ReplaceAll(args[i+1], `\n`, "\n")
		if !strings.Contains(text, before) {
			return fmt.Errorf("%w: %s does not contain %q", errUsage, args[0], before)
		}
		text = strings.ReplaceAll(text, before, after)
	}
	path := ts.MkAbs(args[0])
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".swp")
	if err := os.WriteFile(beside, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// freeport NAME sets an environment variable, for the script and the program, to a free port.
func cmdFreePort(ts *testscript.TestScript, w *world, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	port, err := program.FreePort()
	if err != nil {
		return err
	}
	ts.Setenv(args[0], fmt.Sprint(port))
	w.env[args[0]] = fmt.Sprint(port)
	return nil
}
