//go:build !nokube

package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/workqueue"

	"tollgate/internal/kube/resource"
)

const (
	// What failed is tried again after retryFirst, later and later up to retryMax.
	retryFirst, retryMax = 200 * time.Millisecond, time.Minute
	// writers is how many objects are written at the same time; one object never is by two.
	writers = 4
	// Whoever writes a status over ours gets it written back contestFree times; then we wait
	// contestFirst, twice as long each time and up to contestMax, until contestOver has gone by
	// without that. Two programs that each want the last word must not keep the API server busy.
	contestFree                           = 5
	contestFirst, contestMax, contestOver = time.Second, time.Minute, 5 * time.Minute
	// usageEvery is how often the statuses of virtual keys take up what they have spent.
	usageEvery = 10 * time.Second
)

// task is an object of which the leader sees to something: its status, or its secret.
type task struct {
	kind *kind
	name types.NamespacedName
	mint bool
}

// queue holds each task once, however often it is asked for, and gives it to one worker at a time.
type queue struct {
	workqueue.TypedRateLimitingInterface[task]
	// contests are of the statuses that we wrote. They belong to whoever holds Cluster.mu.
	contests map[task]*contest
}

// contest is how often somebody wrote over a status of ours, when we wrote it last, and what.
type contest struct {
	writes int
	last   time.Time
	status tree
}

// wrote notes that a status was written over another one, and tells whether that is a fight.
func (q *queue) wrote(t task, before, after tree, now time.Time) (fought bool) {
	c := q.contests[t]
	if c == nil {
		c = &contest{status: before}
		q.contests[t] = c
	}
	if now.Sub(c.last) > contestOver {
		c.writes = 0
	}
	if !same(before, c.status) {
		c.writes++
		fought = c.writes == contestFree+1
	}
	c.last, c.status = now, after
	return fought
}

// wait is how long to leave a status as somebody wrote it.
func (q *queue) wait(t task, now time.Time) time.Duration {
	c := q.contests[t]
	if c == nil || c.writes <= contestFree || now.Sub(c.last) > contestOver {
		return 0
	}
	return min(contestFirst<<min(c.writes-contestFree-1, 16), contestMax)
}

// lead writes statuses and mints secrets until ctx is over.
func (c *Cluster) lead(ctx context.Context) {
	q := &queue{contests: map[task]*contest{}, TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[task](retryFirst, retryMax))}
	c.setQueue(q)
	c.leading.Store(true)
	c.log.Info("this replica writes the statuses of Kubernetes objects from now on", "lease", c.lease.String(), "identity", c.options.Identity)
	books := &books{usage: c.options.Usage, known: map[string]*KeyUsage{}}
	var working sync.WaitGroup
	for range writers {
		working.Go(func() {
			for c.work(ctx, q, books) {
			}
		})
	}
	usage := time.NewTicker(usageEvery)
	defer usage.Stop()
	c.askFor(q)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-c.results:
			c.askFor(q)
		case <-usage.C:
			books.forget()
			c.askForKeys(q)
		}
	}
	c.leading.Store(false)
	c.setQueue(nil)
	q.ShutDown()
	working.Wait()
	c.log.Info("this replica no longer writes the statuses of Kubernetes objects", "lease", c.lease.String())
}

func (c *Cluster) setQueue(q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = q
}

// look has the status of an object compared, because somebody wrote it.
func (c *Cluster) look(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue != nil {
		t := task{e.kind, e.ref().NamespacedName, false}
		c.queue.AddAfter(t, c.queue.wait(t, time.Now()))
	}
}

// askFor has everything compared with the result in force, and minted what it asks for.
func (c *Cluster) askFor(q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result == nil {
		return
	}
	for _, w := range c.watches {
		if !w.kind.status {
			continue
		}
		for _, o := range w.informer.GetStore().List() {
			q.Add(task{w.kind, entryOf(o).ref().NamespacedName, false})
		}
	}
	for t := range q.contests {
		if c.find(t.kind, t.name.Namespace, t.name.Name) == nil {
			delete(q.contests, t)
		}
	}
	for _, m := range c.result.Mint {
		q.Add(task{kindNamed(virtualKey), types.NamespacedName{Namespace: m.Key.Namespace, Name: m.Key.Name}, true})
	}
}

// askForKeys has the statuses of virtual keys compared.
func (c *Cluster) askForKeys(q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result == nil || c.options.Usage == nil {
		return
	}
	for name := range c.result.Statuses.VirtualKeys {
		q.Add(task{kindNamed(virtualKey), name, false})
	}
}

// work does one task of a queue. It tells whether there may be more.
func (c *Cluster) work(ctx context.Context, q *queue, b *books) bool {
	t, closed := q.Get()
	if closed {
		return false
	}
	defer q.Done(t)
	if ctx.Err() != nil {
		return true // drained without doing anything
	}
	do := c.write
	if t.mint {
		do = c.mint
	}
	err := do(ctx, t, b)
	switch {
	case err == nil, ctx.Err() != nil:
		q.Forget(t)
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		// Trying again changes nothing; the next result does.
		q.Forget(t)
		if c.seldom(fmt.Sprint("refused ", t.kind.name, t.mint, apierrors.IsInvalid(err)), 10*time.Minute) {
			c.log.Warn("Kubernetes does not take what has to be written", "kind", t.kind.name, "object", t.name.String(), "grant", t.grant(), "error", err)
		}
	default:
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			c.unreachable(err)
		}
		q.AddRateLimited(t)
	}
	return true
}

// grant says what a service account needs for a task.
func (t task) grant() string {
	if t.mint {
		return "get, create and update on secrets"
	}
	return "get on " + t.kind.versions[0].GroupResource().String() + ", update on its status"
}

// write writes the status of an object, if it does not say what it should.
func (c *Cluster) write(ctx context.Context, t task, b *books) error {
	c.mu.Lock()
	e, r := c.find(t.kind, t.name.Namespace, t.name.Name), c.result
	c.mu.Unlock()
	if e == nil || r == nil {
		return nil
	}
	var usage *KeyUsage
	if t.kind.name == virtualKey {
		usage = b.read(ctx, r.Statuses.VirtualKeys[t.name])
	}
	edit := c.edit(r, usage, e)
	if edit == nil {
		return nil
	}
	after, err := edit(e.status, c.now())
	if err != nil {
		return fmt.Errorf("make the status of %s: %w", e.ref(), err)
	}
	if same(e.status, after) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	server := c.resource(t.kind, t.name.Namespace)
	latest, err := server.Get(ctx, t.name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && latest.GetUID() != e.GetUID() {
		return nil // the informer will tell
	}
	if err != nil {
		return err
	}
	before, _ := latest.Object["status"].(tree)
	if after, err = edit(before, c.now()); err != nil {
		return fmt.Errorf("make the status of %s: %w", e.ref(), err)
	}
	if same(before, after) {
		return nil
	}
	latest.Object["status"] = after
	switch _, err = server.UpdateStatus(ctx, latest, metav1.UpdateOptions{}); {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		c.wrote(t, before, after)
	}
	return err
}

// wrote notes that a status was written, and says once if somebody else keeps writing it too.
func (c *Cluster) wrote(t task, before, after tree) {
	c.mu.Lock()
	fought := c.queue != nil && c.queue.wrote(t, before, after, time.Now())
	c.mu.Unlock()
	if fought && c.seldom(fmt.Sprint("contest ", t.kind.name, t.name), 10*time.Minute) {
		c.log.Warn("the status of an object is written again and again: perhaps another controller calls itself "+Controller+" too; it is written less often from now on",
			"kind", t.kind.name, "object", t.name.String())
	}
}

// same compares statuses; nothing and nothing in particular are the same.
func same(a, b tree) bool { return len(a) == 0 && len(b) == 0 || equality.Semantic.DeepEqual(a, b) }

// resource gives the door to the objects of a kind in a namespace, "" for those in none.
func (c *Cluster) resource(k *kind, namespace string) dynamic.ResourceInterface {
	all := c.objects.Resource(k.versions[0])
	if namespace == "" {
		return all
	}
	return all.Namespace(namespace)
}

// books are what virtual keys have spent, read at most once in a while.
type books struct {
	usage Usage
	mu    sync.Mutex
	known map[string]*KeyUsage // nil: could not be read
}

// read gives how a key stands, nil if that is not known.
func (b *books) read(ctx context.Context, of resource.VirtualKeyStatus) *KeyUsage {
	if b.usage == nil || of.KeyID == "" {
		return nil
	}
	b.mu.Lock()
	u, ok := b.known[of.KeyID]
	b.mu.Unlock()
	if ok {
		return u
	}
	u, err := b.usage.KeyUsage(ctx, of.KeyID)
	if err != nil {
		u = nil // the key is not in force yet, or no longer: its status keeps what it says
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[of.KeyID] = u
	return u
}

// forget has everything read anew.
func (b *books) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.known)
}
