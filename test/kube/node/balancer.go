package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// balancer passes the connections to a Service's address on to its ready pods.
type balancer struct {
	address   string
	listeners map[int32]*forwarder // by port
}

// forwarder is one port of a balancer.
type forwarder struct {
	listener net.Listener
	targets  atomic.Pointer[[]string]
	next     atomic.Uint64
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// balance gives every Service of type LoadBalancer an address with its ports open.
func (n *Node) balance(ctx context.Context) {
	wanted := map[types.UID]bool{}
	for _, object := range n.services.List() {
		s := object.(*corev1.Service)
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer || s.DeletionTimestamp != nil {
			continue
		}
		wanted[s.UID] = true
		if err := n.balanceService(ctx, s); err != nil && ctx.Err() == nil {
			n.logf("service %s/%s: %v", s.Namespace, s.Name, err)
		}
	}
	for uid, b := range n.balancers {
		if !wanted[uid] {
			b.close()
			delete(n.balancers, uid)
		}
	}
}

func (n *Node) balanceService(ctx context.Context, s *corev1.Service) error {
	b := n.balancers[s.UID]
	if b == nil {
		ip, err := n.opt.Addresses.Take()
		if err != nil {
			return err
		}
		b = &balancer{address: ip.String(), listeners: map[int32]*forwarder{}}
		n.balancers[s.UID] = b
	}
	for number, f := range b.listeners {
		if !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number }) {
			f.close()
			delete(b.listeners, number)
		}
	}
	for i := range s.Spec.Ports {
		p := &s.Spec.Ports[i]
		if b.listeners[p.Port] == nil {
			listener, err := net.Listen("tcp", net.JoinHostPort(b.address, strconv.Itoa(int(p.Port))))
			if err != nil {
				return err
			}
			f := &forwarder{listener: listener, open: map[net.Conn]bool{}}
			b.listeners[p.Port] = f
			go f.serve()
		}
		targets := n.targets(s, p)
		b.listeners[p.Port].targets.Store(&targets)
	}
	if len(s.Status.LoadBalancer.Ingress) == 1 && s.Status.LoadBalancer.Ingress[0].IP == b.address {
		return nil
	}
	status := corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: b.address}}}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = n.core.Services(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("giving it an address: %w", err)
	}
	return nil
}

// targets gives the addresses of the pods that answer for a port of a Service.
func (n *Node) targets(s *corev1.Service, p *corev1.ServicePort) []string {
	var out []string
	for _, object := range n.pods.List() {
		spec := object.(*corev1.Pod)
		if spec.Namespace != s.Namespace || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(spec.Labels)) || spec.DeletionTimestamp != nil {
			continue
		}
		ready := slices.ContainsFunc(spec.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		number := p.TargetPort.IntVal
		for i := range spec.Spec.Containers {
			number = max(number, port(&spec.Spec.Containers[i], p.TargetPort))
		}
		if ready && number > 0 {
			out = append(out, net.JoinHostPort(spec.Status.PodIP, strconv.Itoa(int(number))))
		}
	}
	slices.Sort(out)
	return out
}

func (b *balancer) close() {
	for _, f := range b.listeners {
		f.close()
	}
}

func (f *forwarder) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.open {
		_ = conn.Close()
	}
}

func (f *forwarder) serve() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		go f.forward(conn)
	}
}

// forward connects a client with one of the pods in turn, until either side ends.
func (f *forwarder) forward(client net.Conn) {
	defer client.Close()
	targets := *f.targets.Load()
	if len(targets) == 0 {
		return // nobody is ready: the connection is refused as well as a user of sockets can
	}
	pod, err := net.Dial("tcp", targets[f.next.Add(1)%uint64(len(targets))])
	if err != nil {
		return
	}
	defer pod.Close()
	f.mu.Lock()
	f.open[client] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.open, client)
		f.mu.Unlock()
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(pod, client)
	}()
	pass(client, pod)
	<-done
}

// pass copies until one end has said all, and tells the other.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}
