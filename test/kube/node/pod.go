package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/test/kube/stack"
)

// again is the pause before something is tried again.
const again = 200 * time.Millisecond

// pod is a pod that runs.
type pod struct {
	node   *Node
	spec   *corev1.Pod
	cancel context.CancelFunc
	done   chan struct{}
	ending bool // guarded by node.mu

	ip, dir  string
	volumes  map[string]string // name → directory
	mu       sync.Mutex
	ready    bool
	restarts map[string]int32
	process  *os.Process // the container that was started last
}

// run runs the pod's containers until ctx ends.
func (p *pod) run(ctx context.Context) error {
	ip, err := p.node.opt.Addresses.Take()
	if err != nil {
		return err
	}
	p.ip, p.restarts = ip.String(), map[string]int32{}
	p.dir = filepath.Join(p.node.opt.Dir, p.spec.Namespace+"_"+p.spec.Name)
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return fmt.Errorf("making the pod's directory: %w", err)
	}
	p.report(ctx, corev1.PodPending, false, "")
	if err := p.eventually(ctx, func() error { return p.mountVolumes(ctx) }); err != nil {
		return err
	}
	var all sync.WaitGroup
	problems := make([]error, len(p.spec.Spec.Containers))
	for i := range p.spec.Spec.Containers {
		all.Go(func() { problems[i] = p.keep(ctx, &p.spec.Spec.Containers[i]) })
	}
	all.Wait()
	return errors.Join(problems...)
}

// eventually tries something that may wait for other objects, as a kubelet does.
func (p *pod) eventually(ctx context.Context, try func() error) error {
	last := ""
	for {
		err := try()
		if err == nil {
			return nil
		}
		if text := err.Error(); text != last {
			last = text
			p.node.logf("pod %s/%s waits: %v", p.spec.Namespace, p.spec.Name, err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// keep runs a container, again and again if it ends.
func (p *pod) keep(ctx context.Context, c *corev1.Container) error {
	image := p.node.image(c.Image)
	if image == nil {
		return fmt.Errorf("no program is known for the image %s", c.Image)
	}
	var env []string
	err := p.eventually(ctx, func() (err error) {
		env, err = p.environment(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	if image.Env != nil {
		env = append(env, image.Env(p.ip)...)
	}
	args := slices.Clone(c.Args)
	if len(c.Command) > 0 {
		args = append(slices.Clone(c.Command[1:]), args...) // the first is the program
	}
	args = p.translate(c, args)
	if image.Args != nil {
		args = image.Args(p.ip, args)
	}
	for ctx.Err() == nil {
		if err := p.once(ctx, c, image.Path, args, env); err != nil {
			return err
		}
		p.mu.Lock()
		p.restarts[c.Name]++
		p.mu.Unlock()
		p.setReady(ctx, false)
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
	return nil
}

// once runs a container until it ends, or ctx does: then it is asked to, and after the
// pod's grace period made to.
func (p *pod) once(ctx context.Context, c *corev1.Container, path string, args, env []string) error {
	out, err := os.OpenFile(filepath.Join(p.dir, c.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the container's log: %w", err)
	}
	defer out.Close()
	grace := 30 * time.Second
	if s := p.spec.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	cmd := p.command(ctx, c, path, args)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, env, out, out
	cmd.SysProcAttr = stack.WithParent()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", path, err)
	}
	p.mu.Lock()
	p.process = cmd.Process
	p.mu.Unlock()
	p.node.logf("pod %s/%s: %s %s at %s", p.spec.Namespace, p.spec.Name, filepath.Base(path), strings.Join(args, " "), p.ip)
	probing, stop := context.WithCancel(ctx)
	defer stop()
	go p.probe(probing, c)
	_ = cmd.Wait() // how it ended is in its state
	p.node.logf("pod %s/%s: %s ended: %v", p.spec.Namespace, p.spec.Name, c.Name, cmd.ProcessState)
	return nil
}

// kill ends the process that was started last, if it has not ended.
func (p *pod) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process != nil && p.process.Kill() == nil
}

// image finds the program for an image.
func (n *Node) image(image string) *Image {
	for i := range n.opt.Images {
		if strings.Contains(image, n.opt.Images[i].Contains) {
			return &n.opt.Images[i]
		}
	}
	return nil
}

// setReady reports a change of readiness. A pod has one container that counts, the last
// that changed.
func (p *pod) setReady(ctx context.Context, ready bool) {
	p.mu.Lock()
	same := p.ready == ready
	p.ready = ready
	p.mu.Unlock()
	if !same {
		p.report(ctx, corev1.PodRunning, ready, "")
	}
	p.node.wake()
}

// report writes the pod's status.
func (p *pod) report(ctx context.Context, phase corev1.PodPhase, ready bool, message string) {
	now := metav1.Now()
	is := func(yes bool) corev1.ConditionStatus {
		if yes {
			return corev1.ConditionTrue
		}
		return corev1.ConditionFalse
	}
	status := corev1.PodStatus{
		Phase: phase, Message: message, StartTime: &now, HostIP: "127.0.0.1", HostIPs: []corev1.HostIP{{IP: "127.0.0.1"}},
		PodIP: p.ip, PodIPs: []corev1.PodIP{{IP: p.ip}},
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		yes := ready || kind == corev1.PodScheduled || kind == corev1.PodInitialized
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: is(yes), LastTransitionTime: now})
	}
	p.mu.Lock()
	for _, c := range p.spec.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: ready, RestartCount: p.restarts[c.Name],
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	p.mu.Unlock()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.spec.UID}, "status": status})
	if err != nil {
		p.node.logf("pod %s/%s: %v", p.spec.Namespace, p.spec.Name, err)
		return
	}
	_, err = p.node.core.Pods(p.spec.Namespace).Patch(ctx, p.spec.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		p.node.logf("reporting on pod %s/%s: %v", p.spec.Namespace, p.spec.Name, err)
	}
}
