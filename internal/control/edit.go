package control

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/spelling"
	"tollgate/internal/vkey"
)

// editable is what may be changed of a key, in the form in which a merge patch sees it.
type editable struct {
	Name       string            `json:"name"`
	Labels     map[string]string `json:"labels"`
	Models     *admin.Models     `json:"models"`
	Operations []string          `json:"operations"`
	Networks   []string          `json:"networks"`
	Limits     []admin.Limit     `json:"limits"`
	ExpiresAt  *time.Time        `json:"expires_at"`
	MaxTokens  int64             `json:"max_tokens"`
	Clamp      bool              `json:"clamp"`
	Discreet   bool              `json:"discreet"`
}

// editableOf gives what may be changed of a key.
func editableOf(k *vkey.Key) editable {
	e := editable{
		Name: k.Name, Labels: k.Labels, Models: modelsForm(k.Models), Operations: k.Operations, Networks: networksForm(k.Networks),
		Limits: []admin.Limit{}, ExpiresAt: moment(k.ExpiresAt), MaxTokens: k.MaxTokens, Clamp: k.Clamp, Discreet: k.Discreet,
	}
	for _, l := range k.Limits {
		e.Limits = append(e.Limits, limitForm(l))
	}
	return e
}

// apply checks what a key shall be and makes it so. The key is only good if there
// are no problems.
func (c *Control) apply(p *problems, in *editable, k *vkey.Key, now time.Time) (err error) {
	p.name("name", in.Name)
	p.labels("labels", in.Labels)
	if in.Models != nil {
		p.patterns("models.allow", in.Models.Allow)
		p.patterns("models.deny", in.Models.Deny)
	}
	p.operations("operations", in.Operations)
	networks := p.networks("networks", in.Networks)
	limits, err := c.ownLimits(p, in.Limits, k.Limits, now)
	if err != nil {
		return err
	}
	if in.MaxTokens < 0 {
		p.add("max_tokens", "is negative; leave it out for none")
	}
	k.Name, k.Labels, k.Models = in.Name, in.Labels, vkey.Scope{}
	if in.Models != nil {
		k.Models = vkey.Scope{Allow: in.Models.Allow, Deny: in.Models.Deny}
	}
	k.Operations, k.Networks, k.Limits = in.Operations, networks, limits
	k.MaxTokens, k.Clamp, k.Discreet = in.MaxTokens, in.Clamp, in.Discreet
	k.ExpiresAt = time.Time{}
	if in.ExpiresAt != nil {
		k.ExpiresAt = in.ExpiresAt.UTC()
	}
	return nil
}

// idShape is that of the ids of keys: no name may look like one, since a key can be
// called by either.
var idShape = regexp.MustCompile(`^(key|lim)_[0-9A-Za-z]{12}$`)

const maxName = 128

func (p *problems) name(path, name string) {
	switch n := utf8.RuneCountInString(name); {
	case name == "":
		p.add(path, "is missing")
	case !utf8.ValidString(name):
		p.add(path, "is no UTF-8 text")
	case n > maxName:
		p.add(path, "has %d characters; %d are allowed", n, maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		p.add(path, "has a control character in it")
	case name != strings.TrimSpace(name):
		p.suggest(path, strings.TrimSpace(name), "begins or ends with a space")
	case vkey.Veil(name) != name:
		p.add(path, "begins like a secret of tollgate, and names are shown and logged; choose another")
	case idShape.MatchString(name):
		p.add(path, "looks like an id; choose a name that cannot be taken for one")
	}
}

var labelName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)

const (
	maxLabels     = 64
	maxLabelValue = 256
)

func (p *problems) labels(path string, labels map[string]string) {
	if len(labels) > maxLabels {
		p.add(path, "has %d labels; %d are allowed", len(labels), maxLabels)
		return
	}
	for _, name := range sorted(labels) {
		at, value := child(path, name), labels[name]
		if !labelName.MatchString(name) {
			p.add(path, "%s is no name of a label: 1 to 63 letters, digits, dots, dashes and underscores", shown(name))
			continue
		}
		switch n := utf8.RuneCountInString(value); {
		case n > maxLabelValue:
			p.add(at, "has %d characters; %d are allowed", n, maxLabelValue)
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			p.add(at, "has a control character in it")
		}
	}
}

func (p *problems) operations(path string, list []string) {
	var known []string
	for _, op := range dialect.Operations() {
		known = append(known, op.String())
	}
	for i, name := range list {
		if !slices.Contains(known, name) {
			p.oneOf(fmt.Sprintf("%s[%d]", path, i), name, known)
		}
	}
}

// networks reads CIDR ranges; an address alone is a range of one. No list is nil,
// an empty list is empty: the one allows every address, the other none.
func (p *problems) networks(path string, list []string) []netip.Prefix {
	if list == nil {
		return nil
	}
	all := make([]netip.Prefix, 0, len(list))
	for i, text := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
			address = address.Unmap()
			all = append(all, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			p.add(at, "%s is neither an address nor a range such as 10.0.0.0/8", shown(text))
		case network.Masked() != network:
			p.suggest(at, network.Masked().String(), "%s has bits behind its %d", shown(text), network.Bits())
		case network.Addr().Is4In6():
			p.add(at, "%s is an IPv4 range in the form of IPv6: write it as IPv4", shown(text))
		default:
			all = append(all, network)
		}
	}
	return all
}

// expiry checks an end that is asked for: it lies ahead.
func (p *problems) expiry(path string, at *time.Time, now time.Time) {
	if at != nil && !at.After(now) {
		p.add(path, "is in the past; to end a key now disable or revoke it")
	}
}

// elsewhere tells what to do about fields that a patch cannot change.
var elsewhere = map[string]string{
	"status":  "cannot be edited: use disable, enable or revoke",
	"reason":  "cannot be edited: it is given to disable and revoke",
	"secrets": "cannot be edited: use rotate",
	"legacy":  "cannot be edited: it ends when the key gets limits",
	"origin":  "cannot be edited",

	"disabled":            "cannot be edited: use disable or enable",
	"cost_limit":          "is only for new keys: edit limits",
	"token_limit":         "is only for new keys: edit limits",
	"requests_per_minute": "is only for new keys: edit limits",
	"reset_period":        "is only for new keys: edit the windows in limits",
	"timezone":            "is only for new keys: edit the windows in limits",

	"shared_limits": "cannot be edited here: edit the shared limit, or the labels that it selects",
	"id":            "is given for life", "created_at": "cannot be edited", "created_by": "cannot be edited", "updated_at": "cannot be edited",
	"last_used_at": "cannot be edited", "etag": "cannot be edited: send it as If-Match", "key": "cannot be edited: use rotate",
	"kind": "of a limit cannot change: make a new limit", "per": "of a limit cannot change: make a new limit",
	"keys": "is counted, not given",
}

// patched merges a patch of RFC 7396 into a value and reads the result.
func patched(patch json.RawMessage, value, into any) error {
	change, err := parse(patch)
	if err != nil {
		return problems{{Message: "the patch is no JSON: " + err.Error()}}.err()
	}
	fields, ok := change.(map[string]any)
	if !ok {
		return problems{{Message: "the patch is an object of the fields to change"}}.err()
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	now, err := parse(raw)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	known := now.(map[string]any)
	var p problems
	for _, name := range sorted(fields) {
		if _, ok := known[name]; ok {
			continue
		}
		if why, ok := elsewhere[name]; ok {
			p.add(name, "%s", why)
		} else {
			p.suggest(name, spelling.Nearest(name, sorted(known)), "is no field that is known here")
		}
	}
	if err := p.err(); err != nil {
		return err
	}
	raw, err = json.Marshal(merge(known, fields))
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	return decode(raw, into).err()
}

// merge is MergePatch of RFC 7396 for two objects.
func merge(target, patch map[string]any) map[string]any {
	out := maps.Clone(target)
	for name, value := range patch {
		inner, ok := value.(map[string]any)
		switch {
		case value == nil:
			delete(out, name)
			continue
		case !ok:
			out[name] = value
			continue
		}
		before, _ := out[name].(map[string]any)
		if before == nil {
			before = map[string]any{}
		}
		out[name] = merge(before, inner)
	}
	return out
}

func modelsForm(s vkey.Scope) *admin.Models {
	if s.Allow == nil && len(s.Deny) == 0 {
		return nil
	}
	return &admin.Models{Allow: s.Allow, Deny: s.Deny}
}

func networksForm(list []netip.Prefix) []string {
	if list == nil {
		return nil
	}
	all := make([]string, len(list))
	for i, n := range list {
		all[i] = n.String()
	}
	return all
}

// moment gives a time for JSON; the zero time stands for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// recounted lists the limits that are another function of what was counted than before,
// or another amount: those that the books must be told of.
func recounted(before, after []*budget.Limit) []*budget.Limit {
	var all []*budget.Limit
	for _, l := range after {
		at := slices.IndexFunc(before, func(o *budget.Limit) bool { return o.ID == l.ID })
		if at >= 0 && (before[at].Amount != l.Amount || !before[at].Window.Equal(l.Window)) {
			all = append(all, l)
		}
	}
	return all
}
