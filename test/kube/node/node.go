package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// name is that of the one node.
const name = "machine"

// Image says which program of the machine stands for a container image.
type Image struct {
	// Contains is a part of the image's name.
	Contains string
	// Path is the program, in place of the image's own or the one that a container names.
	Path string
	// Env gives variables beside those of the container, for a pod with this address.
	Env func(ip string) []string
	// Args gives arguments after those of the container, which may be empty.
	Args func(ip string, args []string) []string
}

// Options say how a node works.
type Options struct {
	// Kubeconfig is the administrator's, CA the file with the API server's certificate.
	Kubeconfig, CA string
	// Dir is the directory for volumes and logs.
	Dir       string
	Addresses *Addresses
	Images    []Image
	// Mounts tells that this process may mount file systems, so that containers find the
	// token of their service account where Kubernetes puts it. Otherwise KUBECONFIG leads them.
	Mounts bool
	// Log takes what the node does; nil: nobody.
	Log io.Writer
}

// Node is a node, and the whole of its cluster.
type Node struct {
	opt       Options
	server    string
	core      typedcore.CoreV1Interface
	pods      cache.Store
	services  cache.Store
	changed   chan struct{}
	processes sync.WaitGroup

	mu      sync.Mutex
	running map[types.UID]*pod // guarded by mu

	balancers map[types.UID]*balancer // known to the loop of Run alone
}

// New gives a node that Run brings to life.
func New(opt Options) (*Node, error) {
	config, err := clientcmd.BuildConfigFromFlags("", opt.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of the node: %w", err)
	}
	config.QPS, config.Burst = 500, 500
	core, err := typedcore.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the node's client: %w", err)
	}
	if opt.Log == nil {
		opt.Log = io.Discard
	}
	return &Node{
		opt: opt, core: core, server: config.Host, changed: make(chan struct{}, 1),
		running: map[types.UID]*pod{}, balancers: map[types.UID]*balancer{},
	}, nil
}

// Run runs what is scheduled until ctx ends, and then ends all of it.
func (n *Node) Run(ctx context.Context) error {
	_, err := n.core.Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("registering the node: %w", err)
	}
	defer n.stopAll()
	n.pods = n.follow(ctx, "pods", &corev1.Pod{})
	n.services = n.follow(ctx, "services", &corev1.Service{})
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.changed:
			n.reconcile(ctx)
		}
	}
}

// follow keeps a copy of all objects of a kind and has changes looked at.
func (n *Node) follow(ctx context.Context, resource string, example runtime.Object) cache.Store {
	list := cache.NewListWatchFromClient(n.core.RESTClient(), resource, metav1.NamespaceAll, fields.Everything())
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: list, ObjectType: example,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { n.wake() },
			UpdateFunc: func(any, any) { n.wake() },
			DeleteFunc: func(any) { n.wake() },
		},
	})
	go controller.RunWithContext(ctx)
	return store
}

// wake has the loop look again.
func (n *Node) wake() {
	select {
	case n.changed <- struct{}{}:
	default: // it will
	}
}

// reconcile starts what should run and does not, and stops what should not.
func (n *Node) reconcile(ctx context.Context) {
	wanted := map[types.UID]bool{}
	for _, object := range n.pods.List() {
		p := object.(*corev1.Pod)
		wanted[p.UID] = true
		switch {
		case p.Spec.NodeName == "" && p.DeletionTimestamp == nil:
			n.bind(ctx, p)
		case p.Spec.NodeName != name:
		case p.DeletionTimestamp != nil:
			n.end(ctx, p)
		default:
			n.begin(ctx, p)
		}
	}
	n.mu.Lock()
	for uid, p := range n.running {
		if !wanted[uid] {
			p.cancel()
			delete(n.running, uid)
		}
	}
	n.mu.Unlock()
	n.balance(ctx)
}

// bind does what the scheduler does.
func (n *Node) bind(ctx context.Context, p *corev1.Pod) {
	err := n.core.Pods(p.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: name},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		n.logf("binding pod %s/%s: %v", p.Namespace, p.Name, err)
	}
}

// begin starts a pod that does not run yet.
func (n *Node) begin(ctx context.Context, spec *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running[spec.UID] != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &pod{node: n, spec: spec, cancel: cancel, done: make(chan struct{})}
	n.running[spec.UID] = p
	n.processes.Go(func() {
		defer close(p.done)
		if err := p.run(ctx); err != nil && ctx.Err() == nil {
			n.logf("pod %s/%s: %v", spec.Namespace, spec.Name, err)
			p.report(ctx, corev1.PodFailed, false, err.Error())
		}
	})
}

// end ends a pod that is being deleted and then takes its object away.
func (n *Node) end(ctx context.Context, spec *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.running[spec.UID]
	if p != nil && p.ending {
		return
	}
	if p == nil {
		p = &pod{node: n, spec: spec, cancel: func() {}, done: make(chan struct{})}
		close(p.done)
		n.running[spec.UID] = p
	}
	p.ending = true
	p.cancel()
	n.processes.Go(func() {
		<-p.done
		now := int64(0)
		err := n.core.Pods(spec.Namespace).Delete(ctx, spec.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &spec.UID},
		})
		if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
			n.logf("deleting pod %s/%s: %v", spec.Namespace, spec.Name, err)
		}
	})
}

func (n *Node) stopAll() {
	n.mu.Lock()
	for _, p := range n.running {
		p.cancel()
	}
	n.mu.Unlock()
	for _, b := range n.balancers {
		b.close()
	}
	n.processes.Wait()
}

// Kill ends the processes of a pod at once, as a crash does, and gives their number. They
// are started again, with the same volumes.
func (n *Node) Kill(namespace, prefix string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	killed := 0
	for _, p := range n.running {
		if p.spec.Namespace == namespace && strings.HasPrefix(p.spec.Name, prefix) && p.kill() {
			killed++
		}
	}
	return killed
}

// Output gives what the containers of pods have printed whose names begin with prefix.
func (n *Node) Output(namespace, prefix string) (string, error) {
	files, err := filepath.Glob(filepath.Join(n.opt.Dir, namespace+"_"+prefix+"*", "*.log"))
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", errors.Join(fmt.Errorf("reading the output of %s/%s", namespace, prefix), err)
		}
		all.Write(text)
	}
	return all.String(), nil
}

func (n *Node) logf(format string, args ...any) {
	fmt.Fprintf(n.opt.Log, "node: "+format+"\n", args...)
}
