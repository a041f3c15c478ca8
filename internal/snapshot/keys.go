package snapshot

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tollgate/internal/budget"
	"tollgate/internal/config"
	"tollgate/internal/declaration"
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
	if known := k.auths[keys]; known != nil { // the same list may stand at many places
		return known
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
	auth := &gateway.Auth{Mode: modes[keys.Mode], Keys: set, Managed: k.parts.Managed, Location: k.location(keys.Location)}
	k.auths[keys] = auth
	return auth
}

// key compiles one virtual key of a configuration.
func (k *compiler) key(from *config.APIKey) []vkey.Entry {
	key, budgets := declaration.Key(from, k.report)
	for id, name := range budgets {
		if k.out.Budgets == nil {
			k.out.Budgets = map[string]string{}
		}
		k.out.Budgets[id] = name
	}
	entries, err := key.Compile(slices.Concat(k.parts.Shared, k.out.Shared))
	if err != nil {
		if len(k.report.Problems) == 0 { // else it has been told, with its place
			k.report.Add(from.At, "%v", err)
		}
		return nil
	}
	for i := range entries {
		c := entries[i].Caller
		c.Name = declaration.Name(from)
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
	switch known := k.declared[key.ID]; {
	case known == nil:
		k.declared[key.ID] = key
		k.out.Declared = append(k.out.Declared, key)
	case known.Secrets[0].Digest != key.Secrets[0].Digest:
		k.report.Add(from.At.Child("id"), "is the id of another key")
	case !reflect.DeepEqual(known.Limits, key.Limits):
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

// sharedLimits compiles the limits that select keys by their labels.
func (k *compiler) sharedLimits() {
	for i := range k.config.Tollgate.SharedLimits {
		from := &k.config.Tollgate.SharedLimits[i]
		l := declaration.Limit(&from.Limit, cmp.Or(from.ID, vkey.DeclaredSharedLimitID(from.Name)), k.report)
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

// match gives the labels that select keys, which config has checked.
func match(from *config.Map[string]) map[string]string {
	if from == nil {
		return nil
	}
	labels := make(map[string]string, len(*from))
	for _, e := range *from {
		if label, ok := strings.CutPrefix(e.Name, "label."); ok {
			labels[label] = e.Value
		}
	}
	return labels
}
