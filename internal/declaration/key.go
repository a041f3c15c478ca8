package declaration

import (
	"cmp"
	"net/netip"

	"tollgate/internal/actor"
	"tollgate/internal/config"
	"tollgate/internal/vkey"
)

// declarer gathers what is found out about one key or limit.
type declarer struct {
	report  *config.Report
	budgets map[string]string // names of limits in agentgateway's form, by their ids
}

// Key gives a key of a configuration as data. What makes no sense about its limits is added
// to the report; they are left out then. budgets are the names of those of its limits that
// have agentgateway's form, by their ids.
func Key(from *config.APIKey, report *config.Report) (key *vkey.Key, budgets map[string]string) {
	d := &declarer{report: report}
	digest := Digest(from)
	key = &vkey.Key{
		ID: cmp.Or(from.ID, vkey.DeriveID(digest)), Name: Name(from), Origin: vkey.Declared, CreatedBy: string(actor.Configuration), Labels: labels(from), Models: scope(from),
		Networks: networks(from.Networks), ExpiresAt: from.ExpiresAt.Time, MaxTokens: from.MaxTokens, Clamp: from.Clamp, Discreet: from.Discreet,
		Secrets: []vkey.Secret{{ID: vkey.DeriveSecretID(digest), Digest: digest, Last4: last4(from)}},
	}
	if from.Disabled {
		key.Status = vkey.StatusDisabled
	}
	if old := from.Previous; old != nil {
		key.Secrets = append(key.Secrets, vkey.Secret{ID: vkey.DeriveSecretID(old.Digest), Digest: old.Digest, Last4: old.Last4, NotAfter: old.Until})
	}
	if from.Operations != nil {
		key.Operations = append([]string{}, *from.Operations...)
	}
	key.Limits = d.ownLimits(key.ID, from)
	return key, d.budgets
}

// Digest gives the digest by which a key is found.
func Digest(from *config.APIKey) vkey.Digest {
	if from.Hash.Given() {
		return from.Hash.Digest
	}
	return vkey.Hash(from.Key.Text.Reveal())
}

func last4(from *config.APIKey) string {
	if from.Hash.Given() {
		return from.Last4
	}
	return vkey.Fingerprint(from.Key.Text.Reveal())
}

// Name gives the name by which people know a key: its own, what its metadata call
// it, or whom they say it belongs to.
func Name(from *config.APIKey) string {
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
