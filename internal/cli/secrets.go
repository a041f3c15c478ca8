package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tollgate/internal/secret"
)

// secretFile is the flag for where a new secret goes.
type secretFile struct {
	SecretFile string `placeholder:"FILE" help:"Write the secret to a file (mode 0600) instead of standard output."`
}

// begin makes sure that the file can be written before a secret is made that has no
// other place. Close removes what finish did not put in place.
func (f *secretFile) begin(replace bool) (*pending, error) {
	if f.SecretFile == "" {
		return &pending{}, nil
	}
	if _, err := os.Lstat(f.SecretFile); !replace && !errors.Is(err, fs.ErrNotExist) {
		return nil, usageError(fmt.Sprintf("--secret-file: %s is there already: name another file, or remove it", f.SecretFile))
	}
	p, err := newPending(f.SecretFile)
	if err != nil {
		return nil, usageError(fmt.Sprintf("--secret-file: %v", err))
	}
	p.replace = replace
	return p, nil
}

// hand gives a new secret to whoever wanted it: the file, or standard output. The
// words about it go to standard error, so that $(…) catches the secret alone.
func (s *session) hand(to *pending, value secret.Text, again string) error {
	if to.file == nil {
		if err := line(s.env.Stderr, "This is the secret. It is shown this once:"); err != nil {
			return err
		}
		_, err := fmt.Fprintln(s.env.Stdout, value.Reveal())
		return err
	}
	_, err := fmt.Fprintln(to.file, value.Reveal())
	if err == nil {
		err = to.finish()
	}
	if err != nil {
		return fmt.Errorf("the secret could not be written to %s and is lost: %w; %s", to.path, err, again)
	}
	return line(s.env.Stderr, "The secret is in %s.", to.path)
}

// pending is a file that appears under its name only when it is whole. The zero
// value is none.
type pending struct {
	path    string
	replace bool
	file    *os.File
	placed  bool
}

// newPending begins a file beside where it will be, readable by its owner alone.
func newPending(path string) (*pending, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &pending{path: path, file: f}, nil
}

// finish makes the file durable and gives it its name.
func (p *pending) finish() error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	if err := p.file.Close(); err != nil {
		return err
	}
	if err := p.place(); err != nil {
		return err
	}
	p.placed = true
	return syncDir(filepath.Dir(p.path))
}

// place gives the file its name. A link, unlike a rename, never replaces a file that
// came there in the meantime; where a file system has no links, a look must do.
func (p *pending) place() error {
	if p.replace {
		return os.Rename(p.file.Name(), p.path)
	}
	err := os.Link(p.file.Name(), p.path)
	switch {
	case err == nil:
		return os.Remove(p.file.Name())
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already", p.path)
	}
	if _, err := os.Lstat(p.path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already", p.path)
	}
	return os.Rename(p.file.Name(), p.path)
}

// Close removes a file that was not finished.
func (p *pending) Close() {
	if p.file != nil && !p.placed {
		_ = p.file.Close()
		_ = os.Remove(p.file.Name())
	}
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}

// maxSecret is the longest value that is read, in bytes: service account files of
// clouds have some thousands.
const maxSecret = 64 << 10

// valueSource is the flags that say where a secret value comes from. It is never an
// argument, which every process of the machine can read.
type valueSource struct {
	FromFile string `placeholder:"FILE" help:"Read the value from a file; - is standard input."`
	FromEnv  string `placeholder:"NAME" help:"Take the value from an environment variable."`
}

func (v *valueSource) read(env *Environment) (secret.Text, error) {
	var text string
	var err error
	switch {
	case v.FromFile != "" && v.FromEnv != "":
		return secret.Text{}, usageError("give either --from-file or --from-env, not both")
	case v.FromEnv != "":
		value, ok := env.LookupEnv(v.FromEnv)
		if !ok {
			return secret.Text{}, usageError(fmt.Sprintf("--from-env: there is no environment variable %s", v.FromEnv))
		}
		text = value
	case v.FromFile != "" && v.FromFile != "-":
		f, err := os.Open(v.FromFile)
		if err != nil {
			return secret.Text{}, usageError(fmt.Sprintf("--from-file: %v", err))
		}
		defer f.Close()
		if text, err = readSecret(f); err != nil {
			return secret.Text{}, err
		}
	case v.FromFile == "" && env.terminal(env.Stdin):
		return secret.Text{}, usageError("say where the value is: --from-file FILE, --from-env NAME, or standard input (tollgate … < FILE)")
	default:
		if text, err = readSecret(env.Stdin); err != nil {
			return secret.Text{}, err
		}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return secret.Text{}, usageError("the value is empty")
	}
	return secret.New(text), nil
}

func readSecret(from io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read the value: %w", err)
	}
	if len(text) > maxSecret {
		return "", usageError(fmt.Sprintf("the value is longer than %d bytes: is that the right file?", maxSecret))
	}
	return string(text), nil
}

// confirm asks for the name of what will be gone. Without a terminal nobody can
// answer, so --yes is needed.
func (s *session) confirm(yes bool, what, name string) error {
	if yes {
		return nil
	}
	if !s.env.terminal(s.env.Stdin) || !s.env.terminal(s.env.Stderr) {
		return usageError(fmt.Sprintf("this deletes %s %s for ever: add --yes where nobody can be asked", what, name))
	}
	fmt.Fprintf(s.env.Stderr, "This deletes %s %s for ever. Type its name to go on: ", what, clean(name))
	typed, err := bufio.NewReader(io.LimitReader(s.env.Stdin, 1024)).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(typed) != name {
		return exitError{exitRefused, "Not deleted: that is not its name."}
	}
	return nil
}
