package snapshot

import (
	"cmp"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"tollgate/internal/actor"
	"tollgate/internal/budget"
	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/vkey"
)

var modes = map[config.KeyMode]gateway.AuthMode{
	config.ModeOptional: gateway.Optional, config.ModeStrict: gateway.Strict, config.ModePermissive: gateway.Permissive,
}

var modeNames = map[gateway.AuthMode]string{
	gateway.Optional: string(config.ModeOptional), gateway.Strict: string(config.ModeStrict), gateway.Permissive: string(config.ModePermissive),
}

// auth compiles a list of virtual keys. Managed keys are good wherever keys are asked for.
func (k *compiler) auth(keys *config.APIKeys) *gateway.Auth {
	if keys == nil {
		return nil
	}
	entries := make([]vkey.Entry, 0, len(keys.Keys))
	for i := range keys.Keys {
		entries = append(entries, k.key(&keys.Keys[i])...)
	}
	k.keys = append(k.keys, entries...)
	set, err := vkey.NewSet(nil, entries)
	if err != nil && len(k.report.Problems) == 0 { // else config has said so
		k.report.Add(keys.At, "%v", err)
	}
	return &gateway.Auth{Mode: modes[keys.Mode], Keys: set, Managed: k.parts.Managed, Location: k.location(keys.Location)}
}

// key compiles one virtual key of a configuration.
func (k *compiler) key(from *config.APIKey) []vkey.Entry {
	key := k.declaration(from)
	entries, err := key.Compile(slices.Concat(k.parts.Shared, k.out.Shared))
	if err != nil {
		if len(k.report.Problems) == 0 { // else it has been told, with its place
			k.report.Add(from.At, "%v", err)
		}
		return nil
	}
	for i := range entries {
		c := entries[i].Caller
		c.Name = nameOf(from)
		metadata := make(map[string]any, len(from.Metadata)+len(c.Metadata))
		maps.Copy(metadata, c.Metadata)
		maps.Copy(metadata, from.Metadata)
		c.Metadata = metadata
	}
	if k.parts.Managed != nil {
		if !from.Hash.Given() {
			if same, found := k.parts.Managed.Lookup(from.Key.Text.Reveal(), k.parts.Now()); found != vkey.Unknown {
				k.report.Add(from.At, "is the managed key %s (%s), whose limits would not hold any more: delete that one first, or leave this one out", same.Caller.Name, same.Caller.KeyID)
			}
		}
		k.parts.Managed.Track(entries)
	}
	k.declare(from, key)
	return entries
}

// declare notes a key for administration. It may stand at several gates, with one
// set of limits: these belong to the key, not to the gate.
func (k *compiler) declare(from *config.APIKey, key *vkey.Key) {
	i := slices.IndexFunc(k.out.Declared, func(d *vkey.Key) bool { return d.ID == key.ID })
	switch {
	case i < 0:
		k.out.Declared = append(k.out.Declared, key)
	case k.out.Declared[i].Secrets[0].Digest != key.Secrets[0].Digest:
		k.report.Add(from.At.Child("id"), "is the id of another key")
	case !reflect.DeepEqual(k.out.Declared[i].Limits, key.Limits):
		k.report.Add(from.At, "the same key stands elsewhere with other limits; give it the same limits at each place")
	}
}

// name gives every declared key a name of its own, as administration needs it: where
// several are called the same, or nothing, their ids tell them apart.
func name(keys []*vkey.Key) {
	count := map[string]int{}
	for _, key := range keys {
		count[key.Name]++
	}
	for _, key := range keys {
		switch {
		case key.Name == "":
			key.Name = "file " + key.ID
		case count[key.Name] > 1:
			key.Name += " " + key.ID
		}
	}
}

// declaration gives a key of a configuration as data.
func (k *compiler) declaration(from *config.APIKey) *vkey.Key {
	digest, last4 := vkey.Digest(from.Hash.Digest), ""
	if !from.Hash.Given() {
		digest, last4 = vkey.Hash(from.Key.Text.Reveal()), vkey.Fingerprint(from.Key.Text.Reveal())
	}
	key := &vkey.Key{
		ID: cmp.Or(from.ID, vkey.DeriveID(digest)), Name: nameOf(from), Origin: vkey.Declared, CreatedBy: string(actor.Configuration), Labels: labels(from), Models: scope(from),
		Networks: networks(from.Networks), ExpiresAt: from.ExpiresAt.Time, MaxTokens: from.MaxTokens, Clamp: from.Clamp, Discreet: from.Discreet,
		Secrets: []vkey.Secret{{ID: vkey.DeriveSecretID(digest), Digest: digest, Last4: last4}},
	}
	if from.Operations != nil {
		key.Operations = append([]string{}, *from.Operations...)
	}
	key.Limits = k.ownLimits(key.ID, from)
	return key
}

// nameOf gives the name by which people know a key: its own, what its metadata call
// it, or whom they say it belongs to.
func nameOf(from *config.APIKey) string {
	if from.Name != "" {
		return from.Name
	}
	for _, field := range [...]string{"name", "user", "owner"} {
		if name, ok := from.Metadata[field].(string); ok && name != "" {
			return name
		}
	}
	return ""
}

// labels gives those of a key, or else the texts among its metadata.
func labels(from *config.APIKey) map[string]string {
	all := map[string]string{}
	if from.Labels != nil {
		for _, e := range *from.Labels {
			all[e.Name] = e.Value
		}
		return all
	}
	for name, value := range from.Metadata {
		if text, ok := value.(string); ok {
			all[name] = text
		}
	}
	return all
}

func scope(from *config.APIKey) vkey.Scope {
	var s vkey.Scope
	allow := from.AllowedModels
	if from.Models != nil {
		allow, s.Deny = from.Models.Allow, from.Models.Deny
	}
	if allow != nil {
		s.Allow = append([]string{}, *allow...)
	}
	return s
}

// networks reads ranges of addresses, which config has checked; an address alone is
// a range of one.
func networks(from *[]string) []netip.Prefix {
	if from == nil {
		return nil
	}
	all := make([]netip.Prefix, 0, len(*from))
	for _, text := range *from {
		if a, err := netip.ParseAddr(text); err == nil {
			a = a.Unmap()
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		} else if n, err := netip.ParsePrefix(text); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// sharedLimits compiles the limits that select keys by their labels.
func (k *compiler) sharedLimits() {
	for i := range k.config.Tollgate.SharedLimits {
		from := &k.config.Tollgate.SharedLimits[i]
		l := k.limit(&from.Limit, cmp.Or(from.ID, vkey.DeclaredSharedLimitID(from.Name)))
		if l == nil {
			continue
		}
		if from.Per == "pool" {
			l.Per = budget.Pool
		}
		l.Match = match(from.Match)
		k.out.Shared = append(k.out.Shared, l)
	}
}
