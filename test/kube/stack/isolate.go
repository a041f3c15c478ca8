package stack

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
)

// isolated is the variable that tells a program that it is in a network of its own.
const isolated = "TOLLGATE_KUBE_ISOLATED"

// network has the addresses that lead to this machine in a network of its own. They are
// those set aside for testing devices (RFC 2544).
var network = netip.MustParsePrefix("198.18.0.0/16")

// Network gives a network all of whose addresses lead to this machine and no other process
// uses; false if the program runs in the network of the machine.
func Network() (netip.Prefix, bool) { return network, os.Getenv(isolated) != "" }

// Isolated calls run in a network of its own, where every port is free and pods can have
// addresses that a Service may lead to, and file systems may be mounted. For that it starts this program again in new
// namespaces, with more variables in its environment, and gives its exit code. Where that is
// not possible, it calls run where it is, and tells why.
func Isolated(env []string, run func(reason error) int) int {
	if os.Getenv(isolated) != "" {
		return run(connect())
	}
	if err := exec.Command("unshare", "-Urn", "unshare", "-m", "ip", "link", "set", "lo", "up").Run(); err != nil {
		return run(fmt.Errorf("no network of its own (unshare -Urn): %w", err))
	}
	cmd := exec.Command("unshare", append([]string{"-Urn", os.Args[0]}, os.Args[1:]...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), isolated+"=1"), env...)
	cmd.SysProcAttr = WithParent()
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, "running in a network of its own:", err)
		return 1
	}
}

// connect makes a new network usable.
func connect() error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"route", "add", "local", network.String(), "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", args, err, out)
		}
	}
	return nil
}
