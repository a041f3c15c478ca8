package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Tools is the directory that the programs of Kubernetes are in.
type Tools string

// The programs.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	kubectl           = "kubectl"
)

// ErrMissing is why the programs are not to be had: they were not built yet, or are not
// wanted.
var ErrMissing = errors.New("no real Kubernetes to test against")

// Find gives the programs. The environment variable TOLLGATE_KUBE says what to do where
// they were not built yet: nothing (an ErrMissing), "build" builds them, which takes about
// ten minutes and the network, and "off" does without them although they are there.
func Find() (Tools, error) {
	mode := os.Getenv("TOLLGATE_KUBE")
	if mode == "off" {
		return "", fmt.Errorf("%w: TOLLGATE_KUBE=off", ErrMissing)
	}
	script := filepath.Join(Root(), "tools", "kube", "build.sh")
	if mode == "build" {
		cmd := exec.Command("bash", script)
		cmd.Stderr = os.Stderr
		dir, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("building the programs of Kubernetes: %w", err)
		}
		return Tools(strings.TrimSpace(string(dir))), nil
	}
	missing, err := exec.Command("bash", script, "--missing").Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrMissing, script, err)
	}
	if names := strings.Fields(string(missing)); len(names) > 0 {
		return "", fmt.Errorf("%w: %s not built yet; make kube-tools builds them, once, in about ten minutes",
			ErrMissing, strings.Join(names, ", "))
	}
	dir, err := exec.Command("bash", script, "--where").Output()
	if err != nil {
		return "", fmt.Errorf("finding the programs of Kubernetes: %w", err)
	}
	return Tools(strings.TrimSpace(string(dir))), nil
}

// path gives the file of a program.
func (t Tools) path(program string) string { return filepath.Join(string(t), program) }

// Root is the root of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// GatewayAPI gives the directory with the Gateway API's own definitions, which its Go
// module brings along.
func GatewayAPI() (string, error) {
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	cmd.Dir = Root()
	dir, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("finding the module of the Gateway API: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", "standard"), nil
}
