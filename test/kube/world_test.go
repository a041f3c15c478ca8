package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/test/kube/node"
	"tollgate/test/kube/stack"
	"tollgate/test/program"
)

const (
	// patience bounds every wait for something that must happen. Most of it takes a
	// fraction of a second; a busy machine should fail no test.
	patience = 60 * time.Second
	// poll is the pause between two looks.
	poll = 20 * time.Millisecond
)

// world is the cluster that all tests share, each in a namespace of its own.
type world struct {
	*stack.Stack
	node     *node.Node
	provider *provider
	dir      string
	context  context.Context // of the whole run
	end      context.CancelFunc
	ended    chan struct{}
	// gone tells since when namespaces have been on their way out: what runs there loses its
	// permissions before it ends.
	gone map[string]time.Time
}

var shared struct {
	sync.Mutex
	world  *world
	err    error
	number int
}

// cluster gives the cluster, started on first use. It is up to the test to take a namespace.
func cluster(t *testing.T) *world {
	t.Helper()
	if absent != nil {
		t.Skip(absent)
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.world == nil && shared.err == nil {
		shared.world, shared.err = newWorld()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.world
}

// shutdown ends the cluster after all tests, with a last look at it.
func shutdown() error {
	if shared.world == nil || shared.err != nil {
		return nil
	}
	defer shared.world.close()
	return shared.world.permissions()
}

func newWorld() (_ *world, err error) {
	ctx := context.Background()
	w := &world{context: ctx, end: func() {}, ended: make(chan struct{}), gone: map[string]time.Time{}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.dir, err = os.MkdirTemp("", "tollgate-kube-"); err != nil {
		return nil, err
	}
	tools, err := stack.Find()
	if err != nil {
		return nil, err
	}
	if w.provider, err = newProvider(w.dir); err != nil {
		return nil, err
	}
	if w.Stack, err = stack.Start(ctx, tools, w.dir); err != nil {
		return nil, err
	}
	if err := w.startNode(ctx); err != nil {
		return nil, err
	}
	return w, w.install(ctx)
}

func (w *world) startNode(ctx context.Context) error {
	binary, err := program.Path()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(w.dir, "node.log"))
	if err != nil {
		return err
	}
	addresses := node.Loopback()
	network, isolated := stack.Network()
	if isolated {
		addresses = node.NewAddresses(network)
	}
	w.node, err = node.New(node.Options{
		Kubeconfig: w.Kubeconfig, CA: w.CA, Dir: filepath.Join(w.dir, "pods"), Addresses: addresses, Mounts: isolated, Log: log,
		Images: []node.Image{node.Tollgate(binary, func(string) []string { return w.provider.env() })},
	})
	if err != nil {
		return err
	}
	ctx, w.end = context.WithCancel(ctx)
	go func() {
		defer close(w.ended)
		defer log.Close()
		if err := w.node.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	return nil
}

// install does what docs/kubernetes.md says an operator does.
func (w *world) install(ctx context.Context) error {
	definitions, err := stack.GatewayAPI()
	if err != nil {
		return err
	}
	shipped := filepath.Join(stack.Root(), "deploy", "kubernetes")
	if err := w.Install(ctx, definitions, shipped); err != nil {
		return err
	}
	_, err = w.Kubectl(ctx, "", "wait", "--for=condition=Available", "deployment", "--all", "--all-namespaces", "--timeout="+patience.String())
	return err
}

// close ends everything; what was written stays if TOLLGATE_KUBE_KEEP is set.
func (w *world) close() {
	if w.node != nil {
		w.end()
		<-w.ended
	}
	if w.Stack != nil {
		w.Close()
	}
	if w.provider != nil {
		w.provider.Close()
	}
	if os.Getenv("TOLLGATE_KUBE_KEEP") != "" {
		fmt.Fprintln(os.Stderr, "logs are in", w.dir)
		return
	}
	_ = os.RemoveAll(w.dir)
}

// kubectl runs kubectl and gives what it printed, without the last line's end.
func (w *world) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Kubectl(t.Context(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out, "\n")
}

// apply applies manifests in a namespace.
func (w *world) apply(t *testing.T, namespace, manifests string) {
	t.Helper()
	if _, err := w.Kubectl(t.Context(), manifests, "apply", "--namespace", namespace, "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// refused applies manifests that the API server must not take, and gives its complaint.
func (w *world) refused(t *testing.T, namespace, manifests string) string {
	t.Helper()
	out, err := w.Kubectl(t.Context(), manifests, "apply", "--namespace", namespace, "-f", "-")
	if err == nil {
		t.Fatalf("the API server took what it should refuse: %s\n%s", out, manifests)
	}
	return err.Error()
}

// namespace makes a namespace that goes away with the test, and what runs in it with it.
func (w *world) namespace(t *testing.T) string {
	t.Helper()
	shared.Lock()
	shared.number++
	name := fmt.Sprintf("test-%d", shared.number)
	shared.Unlock()
	w.kubectl(t, "create", "namespace", name)
	t.Cleanup(func() {
		if t.Failed() {
			w.explain(t, name)
		}
		w.leave(name)
		if _, err := w.Kubectl(w.context, "", "delete", "namespace", name, "--wait=false"); err != nil {
			t.Error(err)
		}
	})
	return name
}

// leave notes that what runs in a namespace is about to be taken away.
func (w *world) leave(namespace string) {
	shared.Lock()
	defer shared.Unlock()
	if w.gone[namespace].IsZero() {
		w.gone[namespace] = time.Now()
	}
}

// explain shows what there was in the namespace of a test that failed.
func (w *world) explain(t *testing.T, namespace string) {
	objects, err := w.Kubectl(w.context, "", "get", "--namespace", namespace, "-o", "yaml",
		"gateways,httproutes,backends,virtualkeys,deployments,pods,services")
	if err != nil {
		objects += err.Error()
	}
	t.Logf("objects:\n%s", objects)
	output, err := w.node.Output(namespace, "")
	if err != nil {
		output += err.Error()
	}
	t.Logf("output of the pods:\n%s", output)
}

// field reads a field of an object by a JSONPath, "" if it is not there.
func (w *world) field(t *testing.T, namespace, object, path string) string {
	t.Helper()
	return w.kubectl(t, "get", "--namespace", namespace, object, "-o", "jsonpath="+path)
}

// becomes waits until a field of an object has a value, or one that contains it with "…" in
// front.
func (w *world) becomes(t *testing.T, namespace, object, path, want string) {
	t.Helper()
	eventually(t, func() error {
		got, err := w.Kubectl(t.Context(), "", "get", "--namespace", namespace, object, "-o", "jsonpath="+path)
		if err != nil {
			return err
		}
		if part, ok := strings.CutPrefix(want, "…"); got == want || ok && strings.Contains(got, part) {
			return nil
		}
		return fmt.Errorf("%s of %s is %q, want %q", path, object, got, want)
	})
}

// Paths of what statuses say.
const (
	accepted        = `{.status.conditions[?(@.type=="Accepted")].status}`
	programmed      = `{.status.conditions[?(@.type=="Programmed")].status}`
	resolved        = `{.status.conditions[?(@.type=="ResolvedRefs")].status}`
	resolvedReason  = `{.status.conditions[?(@.type=="ResolvedRefs")].reason}`
	resolvedMessage = `{.status.conditions[?(@.type=="ResolvedRefs")].message}`
	routeAccepted   = `{.status.parents[0].conditions[?(@.type=="Accepted")].status}`
	routeResolved   = `{.status.parents[0].conditions[?(@.type=="ResolvedRefs")].status}`
	routeReason     = `{.status.parents[0].conditions[?(@.type=="ResolvedRefs")].reason}`
	gatewayAddress  = `{.status.addresses[0].value}`
)

// eventually calls look until it succeeds, and fails the test with its last error if that
// does not happen in time.
func eventually(t *testing.T, look func() error) {
	t.Helper()
	if err := within(t.Context(), patience, look); err != nil {
		t.Fatal(err)
	}
}

func within(ctx context.Context, limit time.Duration, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := look()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not within %v", limit), err)
		case <-time.After(poll):
		}
	}
}
