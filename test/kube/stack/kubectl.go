package stack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kubectl runs the real kubectl as the administrator, with stdin, and gives what it
// printed. An error holds what it complained about.
func (s *Stack) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, s.tools.path(kubectl), args...)
	cmd.Env = s.Env()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}

// Env is the environment for a shell in which kubectl reaches this API; its home is in
// the directory of the stack, where kubectl may keep its cache.
func (s *Stack) Env() []string {
	return []string{
		"PATH=" + string(s.tools) + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"HOME=" + s.dir, "KUBECONFIG=" + s.Kubeconfig, "TMPDIR=" + os.TempDir(),
	}
}

// Token gives a token of a service account, good for an hour.
func (s *Stack) Token(ctx context.Context, namespace, account string) (string, error) {
	token, err := s.Kubectl(ctx, "", "create", "token", account, "--namespace", namespace)
	return strings.TrimSpace(token), err
}

// Install applies files or directories of definitions and waits until the API server
// serves the resources that they define.
func (s *Stack) Install(ctx context.Context, paths ...string) error {
	for _, path := range paths {
		if _, err := s.Kubectl(ctx, "", "apply", "--server-side", "-f", path); err != nil {
			return err
		}
	}
	_, err := s.Kubectl(ctx, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
	return err
}
