//go:build !nokube

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/config"
	"tollgate/internal/control"
	"tollgate/internal/kube"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

// cluster is where gateways and routes come from beside a file.
type cluster struct {
	*kube.Cluster
	// next is when the same objects mean something else, zero: never. warned are the
	// warnings that were logged last. Both belong to whoever holds App.reloading.
	next   time.Time
	warned []string
}

// objectsFile keeps the last good objects in the data directory, for a start without the API server.
const objectsFile = "kubernetes-objects"

// objectsBinding is what they are sealed for.
var objectsBinding = vault.Binding{Purpose: "kubernetes objects"}

// connect prepares to follow a cluster. It causes no traffic.
func (a *App) connect() (err error) {
	o := a.options.Kubernetes
	if o == nil {
		return nil
	}
	options := kube.Options{
		Kubeconfig: o.Kubeconfig, Class: o.Class, Gateway: o.Gateway, Namespace: o.Namespace, Address: o.Address, Bind: o.Bind, Local: o.Local,
		Cache: filepath.Join(a.data.dir, objectsFile), Version: a.options.Version, Log: a.log, Now: a.parts.Now, Usage: keyUsage{a.control},
	}
	if v := a.data.vault; v != nil {
		options.Seal = func(plain []byte) []byte { return v.Seal(secret.New(string(plain)), objectsBinding) }
		options.Open = func(sealed []byte) ([]byte, error) {
			plain, err := v.Unseal(sealed, objectsBinding)
			return []byte(plain.Reveal()), err
		}
	}
	if a.cluster.Cluster, err = kube.Connect(options); err != nil {
		return fmt.Errorf("find the Kubernetes cluster: %w", err)
	}
	return nil
}

// follow puts in force what the cluster says, until ctx is over.
func (a *App) follow(ctx context.Context, failed chan<- error) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		if err := a.cluster.Run(ctx); err != nil && ctx.Err() == nil {
			failed <- fmt.Errorf("follow the Kubernetes cluster: %w", err)
		}
	})
	due := time.NewTimer(0)
	defer due.Stop()
	due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.cluster.Changes():
		case <-due.C:
		}
		a.reload(ctx)
		if next := a.nextChange(); !next.IsZero() {
			due.Reset(max(time.Second, next.Sub(a.parts.Now())))
		}
	}
}

// nextChange is when the objects mean something else although none changes.
func (a *App) nextChange() time.Time {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	return a.cluster.next
}

// maxBlamed bounds how many objects are left out one after the other because something was
// wrong with them that only compiling the whole showed.
const maxBlamed = 1000

// followed puts a file's configuration in force with what the cluster adds to it. An object
// that spoils the whole is left out, and its status says why.
func (a *App) followed(ctx context.Context, base *config.Config, report *config.Report) (*loaded, error) {
	objects := a.cluster.Objects()
	if objects == nil {
		return nil, errors.New("nothing is known of the Kubernetes cluster yet")
	}
	settings := a.cluster.Settings()
	settings.Now = a.parts.Now()
	for range maxBlamed {
		result := manifest.Compile(base, objects, settings)
		l, err := a.compile(result.Config, new(config.Report))
		// What is cached was declared when it was live, and may lack the Secrets of keys: that
		// must not read as their end.
		if err == nil && a.cluster.Live() {
			err = a.declare(ctx, l)
		}
		if err == nil {
			err = a.force(l)
		}
		if err == nil {
			a.ready.Store(true)
			a.cluster.Published(result)
			a.cluster.next = result.Next
			a.warnOf(report, result.Warnings)
			return l, nil
		}
		if !blame(err, result.Config, &settings) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d objects of the Kubernetes cluster cannot be served", maxBlamed)
}

// warnOf logs what there is to say of the file and what no status of an object can say, once.
func (a *App) warnOf(report *config.Report, objects []string) {
	var warnings []string
	for _, w := range report.Warnings {
		warnings = append(warnings, "configuration: "+w.String())
	}
	for _, w := range objects {
		warnings = append(warnings, "Kubernetes: "+w)
	}
	for _, w := range warnings {
		if !slices.Contains(a.cluster.warned, w) {
			a.log.Warn(w)
		}
	}
	a.cluster.warned = warnings
}

// blame notes which objects or ports an error about a configuration is about. It tells
// whether that is news.
func blame(err error, c *config.Config, settings *manifest.Settings) (news bool) {
	broken := func(file, path, why string) {
		ref, ok := manifest.ParseRef(file)
		if _, known := settings.Broken[ref]; ok && !known {
			settings.Broken[ref] = cmp.Or(path, "it") + ": " + why
			news = true
		}
	}
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		for _, p := range problems.List {
			broken(p.File, p.Path, p.Message)
		}
	}
	if refused, ok := errors.AsType[*control.Error](err); ok && refused.Subject != "" {
		for i := range c.Routes {
			keys := c.Routes[i].Policies.APIKey
			if keys == nil {
				continue
			}
			for j := range keys.Keys {
				if k := &keys.Keys[j]; k.ID == refused.Subject {
					broken(k.At.File, k.At.Path, refused.Detail)
				}
			}
		}
	}
	for _, closed := range closedPorts(err) {
		if _, known := settings.Unavailable[closed.port]; !known {
			settings.Unavailable[closed.port] = closed.Error()
			news = true
		}
	}
	return news
}

// keyUsage tells what keys have spent. It implements kube.Usage.
type keyUsage struct{ control *control.Control }

// KeyUsage reads how a key and its limits stand.
func (u keyUsage) KeyUsage(ctx context.Context, keyID string) (*kube.KeyUsage, error) {
	var call control.Call
	key, err := u.control.Key(ctx, call, keyID)
	if err != nil {
		return nil, err
	}
	// Sums of days are kept for ever, and a key has few of them.
	sums, err := u.control.KeyUsage(ctx, call, keyID, admin.UsageFilter{From: key.CreatedAt})
	if err != nil {
		return nil, err
	}
	usage := &kube.KeyUsage{Spent: sums.Total.CostUSD}
	for _, l := range key.Limits {
		if l.Standing != nil {
			usage.Limits = append(usage.Limits, kube.LimitUsage{
				Kind: l.Kind, Amount: l.Amount.String(), Spent: l.Spent.String(), Reserved: l.Reserved.String(), Remaining: l.Remaining.String(), ResetsAt: l.ResetsAt,
			})
		}
	}
	return usage, nil
}
