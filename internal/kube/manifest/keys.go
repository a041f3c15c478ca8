package manifest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/config"
	"tollgate/internal/declaration"
	"tollgate/internal/kube/resource"
	"tollgate/internal/vkey"
)

// keyBook has every virtual key of the objects once, by the place where it stands. A key is
// found by what callers present, so the same one cannot be two.
type keyBook struct {
	// owners tells which key a digest belongs to, by its id.
	owners map[vkey.Digest]string
	// virtual are the VirtualKeys in the order of their names, namespaces those that have any.
	virtual    []virtualKey
	namespaces []string
	// entries are those of sources that were read, with what is wrong with them.
	entries map[keySource]*keyList
	// lists are gates that rules share, by what is in them.
	lists map[string]*config.APIKeys
}

// keySource is an object that has keys as entries.
type keySource struct {
	kind string // Secret or ConfigMap
	types.NamespacedName
}

// keyList are the keys of a source.
type keyList struct {
	keys   []config.APIKey
	faults faults
}

// keys gives the book, which is written when it is first asked for.
func (k *compilation) keys() *keyBook {
	if k.keyBook != nil {
		return k.keyBook
	}
	b := &keyBook{owners: map[vkey.Digest]string{}, entries: map[keySource]*keyList{}, lists: map[string]*config.APIKeys{}}
	k.keyBook = b
	for _, keys := range gatesOf(k.base) {
		for i := range keys.Keys {
			b.owners[declaration.Digest(&keys.Keys[i])] = "" // of the file
		}
	}
	k.virtualKeys(b)
	k.sources(b)
	return b
}

// gatesOf gives the lists of keys of a configuration.
func gatesOf(c *config.Config) []*config.APIKeys {
	if c == nil {
		return nil
	}
	var all []*config.APIKeys
	for i := range c.Gateways {
		g := &c.Gateways[i].Value
		all = append(all, g.APIKey)
		for j := range g.Listeners {
			all = append(all, g.Listeners[j].Policies.APIKey)
		}
	}
	routes := slices.Clone(c.Routes)
	for i := range c.Binds {
		for j := range c.Binds[i].Listeners {
			l := &c.Binds[i].Listeners[j]
			all = append(all, l.Policies.APIKey)
			routes = append(routes, l.Routes...)
		}
	}
	for i := range routes {
		all = append(all, routes[i].Policies.APIKey)
	}
	if c.LLM != nil {
		all = append(all, c.LLM.Policies.APIKey)
	}
	return slices.DeleteFunc(all, func(keys *config.APIKeys) bool { return keys == nil })
}

// take notes whose a digest is. It is false if it is another's already.
func (b *keyBook) take(d vkey.Digest, id string) bool {
	if owner, taken := b.owners[d]; taken {
		return owner == id
	}
	b.owners[d] = id
	return true
}

// sources reads the objects that policies take keys from, oldest first, so that nobody
// takes a key away by writing it down once more.
func (k *compilation) sources(b *keyBook) {
	wanted := map[keySource]bool{}
	for _, p := range k.objects.Policies {
		if t := p.Spec.Traffic; t != nil && t.APIKeyAuthentication != nil {
			for _, s := range k.sourcesOf(t.APIKeyAuthentication, p.Namespace) {
				wanted[s] = true
			}
		}
	}
	for _, s := range oldestFirst(k.objects.Secrets) {
		source := keySource{"Secret", nameOf(s)}
		switch {
		case !wanted[source]:
		case slices.ContainsFunc(s.OwnerReferences, byVirtualKey):
			list := &keyList{}
			list.faults.add(faultOf(reasonPartiallyValid, "the Secret %s belongs to a VirtualKey, which is good without a policy; nothing else in it is a key", source.NamespacedName))
			b.entries[source] = list
		default:
			b.entries[source] = k.readKeys(b, source, s.Data)
		}
	}
	for _, m := range oldestFirst(k.objects.ConfigMaps) {
		source := keySource{"ConfigMap", nameOf(m)}
		if wanted[source] {
			data := make(map[string][]byte, len(m.Data))
			for name, text := range m.Data {
				data[name] = []byte(text)
			}
			b.entries[source] = k.readKeys(b, source, data)
		}
	}
}

// sourcesOf gives the objects that a policy takes keys from, by name.
func (k *compilation) sourcesOf(a *resource.AgentgatewayAPIKeys, namespace string) []keySource {
	var all []keySource
	switch {
	case a.SecretRef != nil:
		return []keySource{{"Secret", types.NamespacedName{Namespace: namespace, Name: a.SecretRef.Name}}}
	case a.SecretSelector != nil:
		for _, s := range k.objects.Secrets {
			if s.Namespace == namespace && (s.Type == "" || s.Type == corev1.SecretTypeOpaque) && selects(a.SecretSelector.MatchLabels, s) {
				all = append(all, keySource{"Secret", nameOf(s)})
			}
		}
	case a.ConfigMapSelector != nil:
		for _, m := range k.objects.ConfigMaps {
			if m.Namespace == namespace && selects(a.ConfigMapSelector.MatchLabels, m) {
				all = append(all, keySource{"ConfigMap", nameOf(m)})
			}
		}
	}
	slices.SortFunc(all, func(a, b keySource) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// selects tells whether an object has labels; no labels at all select nothing.
func selects(labels map[string]string, o metav1.Object) bool {
	own := o.GetLabels()
	for name, value := range labels {
		if got, ok := own[name]; !ok || got != value {
			return false
		}
	}
	return len(labels) > 0
}

// maxEntries bounds the keys of one object. Whoever may write a Secret must not be able to
// hold up everybody's configuration with it.
const maxEntries = 5000

// readKeys makes keys of the entries of an object, in the order of their names. In a
// ConfigMap only hashed ones are good.
func (k *compilation) readKeys(b *keyBook, source keySource, data map[string][]byte) *keyList {
	out := &keyList{}
	ref := Ref{source.kind, source.NamespacedName}
	if why, broken := k.settings.Broken[ref]; broken {
		out.faults.add(faultOf(reasonPartiallyValid, "%s: %s; no key of it is good", ref, why))
		return out
	}
	if len(data) > maxEntries {
		out.faults.add(faultOf(reasonPartiallyValid, "%s has %d entries, and no key of it is good: spread them over several with at most %d each", ref, len(data), maxEntries))
		return out
	}
	names := make([]string, 0, len(data))
	for name := range data {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at := config.Position{File: ref.String(), Path: name}
		key, err := entryKey(data[name], source.kind == "ConfigMap", at)
		if err != nil {
			out.faults.add(faultOf(reasonPartiallyValid, "%s, entry %q: %v", ref, name, err))
			continue
		}
		key.ID = entryID(source, name)
		if !b.take(key.Hash.Digest, key.ID) {
			out.faults.add(faultOf(reasonPartiallyValid, "%s, entry %q: is the same key as another one, which is older or comes first; leave one of them out", ref, name))
			continue
		}
		key.At = at
		if declaration.Name(key) == "" {
			key.Name = shortened(name)
		}
		key.Metadata = maps.Clone(key.Metadata)
		if key.Metadata == nil {
			key.Metadata = map[string]any{}
		}
		key.Metadata[namespaceLabel] = source.Namespace
		out.keys = append(out.keys, *key)
	}
	return out
}

// shortened gives a name that a key can have.
func shortened(name string) string {
	const most = 128
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "")
	}
	return name
}

// entryID gives the id of the key of an entry: it stays while the entry keeps its place,
// whatever the key in it is, and so does what was spent.
func entryID(source keySource, entry string) string {
	return vkey.DeriveID(vkey.Hash("Kubernetes entry\x00" + strings.Join([]string{source.kind, source.Namespace, source.Name, entry}, "\x00")))
}
