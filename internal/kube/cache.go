//go:build !nokube

package kube

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/kube/manifest"
)

// A cache file is a line with its form and the SHA-256 of the rest, which is JSON or, if it
// is sealed, what the seal made of it.
const (
	formPlain  = "tollgate kubernetes objects 1 plain"
	formSealed = "tollgate kubernetes objects 1 sealed"
	// saveEvery is how often the file is written at most.
	saveEvery = 5 * time.Second
)

// kept is what the file holds.
type kept struct {
	// Scope is the cluster and the part of it that the objects are of.
	Scope   string
	Objects *manifest.Objects
}

// scope tells files of other clusters and other settings apart.
func (c *Cluster) scope() string {
	return fmt.Sprintf("%s namespace=%s class=%s gateway=%s", c.host, c.options.Namespace, c.settings.Class, c.settings.Gateway)
}

// recall reads the objects that were kept, if there are any.
func (c *Cluster) recall() {
	if c.options.Cache == "" {
		return
	}
	objects, err := c.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		c.log.Warn("the Kubernetes objects that were kept cannot be used, so nothing is served until the API server answers", "file", c.options.Cache, "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached = objects
	c.changes.send()
}

func (c *Cluster) load() (*manifest.Objects, error) {
	text, err := os.ReadFile(c.options.Cache)
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(text, []byte("\n"))
	sum := sha256.Sum256(body)
	end := " " + hex.EncodeToString(sum[:])
	switch string(head) {
	case formPlain + end:
		if c.options.Open != nil {
			// Anybody who may write here could have put it in place of ours.
			return nil, errors.New("it is not sealed, though there is a master key: it was written before there was one, or by somebody else")
		}
	case formSealed + end:
		if c.options.Open == nil {
			return nil, errors.New("it is sealed, and there is no master key to open it")
		}
		if body, err = c.options.Open(body); err != nil {
			return nil, fmt.Errorf("open it: %w", err)
		}
	default:
		return nil, errors.New("it is damaged, or written by another version")
	}
	var k kept
	if err := json.Unmarshal(body, &k); err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	if k.Scope != c.scope() || k.Objects == nil {
		return nil, fmt.Errorf("it is of %q, not of %q", k.Scope, c.scope())
	}
	return k.Objects, nil
}

// preserve writes the objects of results that are in force, when they changed, until ctx is over.
func (c *Cluster) preserve(ctx context.Context) {
	if c.options.Cache == "" {
		return
	}
	if c.options.Seal == nil {
		c.log.Info("there is no master key, so the Kubernetes objects that are kept for a start without the API server have no Secrets", "file", c.options.Cache)
	}
	var last [sha256.Size]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.saves:
		}
		if body, err := c.encode(); err != nil {
			c.failedToSave(err)
		} else if sum := sha256.Sum256(body); sum != last {
			if err := c.save(body); err != nil {
				c.failedToSave(err)
			} else {
				last = sum
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(saveEvery):
		}
	}
}

func (c *Cluster) failedToSave(err error) {
	if c.seldom("cache", 10*time.Minute) {
		c.log.Warn("the Kubernetes objects cannot be kept: a start without the API server would serve what was kept before", "file", c.options.Cache, "error", err)
	}
}

// encode gives what is to be kept, not sealed yet. The same objects give the same bytes.
func (c *Cluster) encode() ([]byte, error) {
	c.mu.Lock()
	objects, unread := *c.handed, c.unread
	objects.Secrets = slices.DeleteFunc(slices.Clone(objects.Secrets), func(s *corev1.Secret) bool { return !c.needed.has(secretKind, s) })
	objects.ConfigMaps = slices.DeleteFunc(slices.Clone(objects.ConfigMaps), func(m *corev1.ConfigMap) bool { return !c.needed.has(configMapKind, m) })
	c.mu.Unlock()
	if c.options.Seal == nil {
		objects.Secrets = nil
	}
	ordered := &manifest.Objects{Bundle: objects.Bundle}
	for _, k := range kinds {
		if k.put == nil {
			continue
		}
		all := k.all(&objects)
		slices.SortFunc(all, byName)
		for _, o := range all {
			if _, ok := unread[manifest.Ref{Kind: k.name, NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}]; !ok {
				k.put(ordered, o)
			}
		}
	}
	body, err := json.Marshal(kept{c.scope(), ordered})
	if err != nil {
		return nil, err
	}
	return c.trim(body)
}

// trim leaves out what changes all the time and nothing is made of, which are versions and
// the statuses that we write, and credentials that stand in objects if there is no seal.
func (c *Cluster) trim(body []byte) ([]byte, error) {
	var all struct {
		Scope   string
		Objects tree
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		return nil, err
	}
	for field, list := range all.Objects {
		objects, _ := list.([]any)
		for _, o := range objects {
			object, _ := o.(tree)
			if about, ok := object["metadata"].(tree); ok {
				delete(about, "resourceVersion")
			}
			if field != "Services" {
				delete(object, "status")
			}
		}
	}
	if c.options.Seal == nil {
		blank(all.Objects)
	}
	return json.Marshal(all)
}

func byName(a, b metav1.Object) int {
	return slices.Compare([]string{a.GetNamespace(), a.GetName()}, []string{b.GetNamespace(), b.GetName()})
}

// blank takes the credentials out that are written into Backends and policies.
func blank(part any) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			blank(p)
		}
	case tree:
		for field, value := range part {
			if in, ok := value.(tree); ok {
				switch field {
				case "authToken":
					delete(in, "inline")
				case "auth":
					delete(in, "key")
				}
			}
			blank(value)
		}
	}
}

// save writes the file so that there is always a whole one.
func (c *Cluster) save(body []byte) error {
	form := formPlain
	if c.options.Seal != nil {
		form, body = formSealed, c.options.Seal(body)
	}
	f, err := os.CreateTemp(filepath.Dir(c.options.Cache), filepath.Base(c.options.Cache)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone if all went well
	_, err = fmt.Fprintf(f, "%s %x\n%s", form, sha256.Sum256(body), body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.options.Cache)
}
