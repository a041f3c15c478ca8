// Package kube tests tollgate on Kubernetes as its users have it: a real API server, the
// manifests of deploy/kubernetes applied with kubectl, and the program in the pods that its
// controller makes. Package node runs them, as processes of this machine.
package kube

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"tollgate/test/kube/stack"
	"tollgate/test/program"
)

// absent is why there is nothing to test against, if there is not.
var absent error

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(start(m))
}

func start(m *testing.M) int {
	if testing.Short() {
		absent = errors.New("short tests only")
		return m.Run()
	}
	_, err := stack.Find()
	if errors.Is(err, stack.ErrMissing) {
		absent = err
		fmt.Fprintf(os.Stderr, "%v\nNot tested: the page's manifests, statuses, Secrets, virtual keys, permissions and replicas on Kubernetes.\n", err)
		return m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary, err := program.Path()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer program.Clean()
	return stack.Isolated([]string{"TOLLGATE_TEST_BINARY=" + binary}, func(reason error) int {
		if reason != nil {
			fmt.Fprintln(os.Stderr, "Not tested: plain Services.", reason)
		}
		code := m.Run()
		if err := shutdown(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}
