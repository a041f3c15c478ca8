// Cluster runs a command beside a real Kubernetes API with a node on which tollgate runs:
//
//	go run ./test/kube/cluster [-image PART=PROGRAM]... [-apply PATH]... -- COMMAND [ARGUMENT]...
//
// All of it is in a network of its own where that is possible, and is gone when the command
// ends. The command finds the cluster by KUBECONFIG, and kubectl by PATH:
//
//	go run ./test/kube/cluster -apply deploy/kubernetes -- bash
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tollgate/test/kube/node"
	"tollgate/test/kube/stack"
	"tollgate/test/program"
)

// settleWithin bounds the wait for what was applied to be running.
const settleWithin = 2 * time.Minute

func main() {
	images, paths := map[string]string{}, []string{}
	flag.Func("image", "run containers whose image has `PART=PROGRAM` in its name by that program; may be repeated", func(s string) error {
		part, path, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want PART=PROGRAM")
		}
		images[part] = path
		return nil
	})
	flag.Func("apply", "apply a `FILE` or directory before the command; may be repeated", func(s string) error {
		paths = append(paths, s)
		return nil
	})
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	os.Exit(run(images, paths, flag.Args()))
}

// run does it and gives the exit code.
func run(images map[string]string, paths, command []string) int {
	tools, err := stack.Find()
	if err != nil {
		return fail(err)
	}
	binary, err := program.Path() // before the network is gone, in case it has to be built
	if err != nil {
		return fail(err)
	}
	defer program.Clean()
	return stack.Isolated([]string{"TOLLGATE_TEST_BINARY=" + binary}, func(reason error) int {
		if reason != nil {
			fmt.Fprintln(os.Stderr, "cluster: Services lead nowhere here:", reason)
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		code, err := with(ctx, tools, images, paths, command)
		if err != nil {
			return fail(err)
		}
		return code
	})
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "cluster:", err)
	return 1
}

// with runs the command in a new cluster and gives its exit code.
func with(ctx context.Context, tools stack.Tools, images map[string]string, paths, command []string) (int, error) {
	dir, err := os.MkdirTemp("", "tollgate-cluster-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	s, err := stack.Start(ctx, tools, dir)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	opt := node.Options{
		Kubeconfig: s.Kubeconfig, CA: s.CA, Dir: filepath.Join(dir, "pods"),
		Addresses: node.Loopback(), Images: []node.Image{node.Tollgate(os.Getenv("TOLLGATE_TEST_BINARY"), nil)}, Log: os.Stderr,
	}
	if network, ok := stack.Network(); ok {
		opt.Addresses, opt.Mounts = node.NewAddresses(network), true
	}
	for part, path := range images {
		opt.Images = append(opt.Images, node.Image{Contains: part, Path: path, Env: func(ip string) []string { return []string{"ECHO_ADDRESS=" + ip} }})
	}
	n, err := node.New(opt)
	if err != nil {
		return 0, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- n.Run(running) }()
	defer func() { cancel(); <-ended }()
	if err := install(ctx, s, paths); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), s.Env()...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	keep(dir)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// install applies the Gateway API's definitions and what was asked for.
func install(ctx context.Context, s *stack.Stack, paths []string) error {
	definitions, err := stack.GatewayAPI()
	if err != nil {
		return err
	}
	if err := s.Install(ctx, append([]string{definitions}, paths...)...); err != nil {
		return err
	}
	_, err = s.Kubectl(ctx, "", "wait", "--for=condition=Available", "deployment", "--all", "--all-namespaces", "--timeout="+settleWithin.String())
	if err != nil && strings.Contains(err.Error(), "no matching resources") {
		return nil
	}
	return err
}

// keep moves the logs of the cluster to the place that TOLLGATE_KUBE_LOGS names, if it does.
func keep(dir string) {
	to := os.Getenv("TOLLGATE_KUBE_LOGS")
	if to == "" {
		return
	}
	if out, err := exec.Command("cp", "-r", dir, to).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: keeping the logs: %v: %s\n", err, out)
	}
}
