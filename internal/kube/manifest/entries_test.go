package manifest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/config"
	"tollgate/internal/declaration"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/snapshot"
	"tollgate/internal/vkey"
)

// policyKeys gives the keys of a Secret's entries under a policy of one route.
func policyKeys(t *testing.T, base *config.Config, entries map[string]string) (*manifest.Result, *snapshot.Compiled) {
	t.Helper()
	r := manifest.Compile(base, policyObjects(t, entries), settingsOf(t, ""))
	return r, inForce(t, r.Config)
}

// policyObjects are a Secret with entries, and a policy that takes keys from it for a route.
func policyObjects(t *testing.T, entries map[string]string) *manifest.Objects {
	t.Helper()
	o := stage(t)
	var data []string
	for name, value := range entries {
		data = append(data, fmt.Sprintf("%q: %s", name, base64.StdEncoding.EncodeToString([]byte(value))))
	}
	read(t, o, `
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: infra}
data: {`+strings.Join(data, ", ")+`}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: p, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}]
  traffic: {apiKeyAuthentication: {secretRef: {name: keys}}}
---
`+ruleObject("a => Service/v1"))
	return o
}

func TestEntries(t *testing.T) {
	_, c := policyKeys(t, defaults(t), map[string]string{
		"plain":  "sk-plain\n",
		"hashed": `{"keyHash": "sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f", "metadata": {"user": "alice", "tier": {"level": 3}}}`,
		"full": `{"key": "sk-full", "metadata": {"name": "Full \ud83d\ude00 $HOME", "team": "a", "namespace": "web", "limits": [{"kind": "cost", "amount": "5.00", "window": {"calendar": "day"}}, {"kind": "tokens", "amount": 100}],
		  "models": {"allow": ["gpt-*"], "deny": ["gpt-4"]}, "expiresAt": "2027-01-01T00:00:00Z"}}`,
		"list": `{"key": "sk-list", "metadata": {"models": ["gpt-*"]}}`,
	})
	if len(c.Declared) != 4 {
		t.Fatalf("%d keys", len(c.Declared))
	}
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	full, result := c.Snapshot.Keys.Lookup("sk-full", at)
	if result != vkey.OK || full.Caller.Name != "Full 😀 $HOME" || fmt.Sprint(full.Caller.Labels) != "map[name:Full 😀 $HOME namespace:infra team:a]" || len(full.Limits) != 2 ||
		!full.Caller.MayUse("gpt-5") || full.Caller.MayUse("gpt-4") || full.Caller.MayUse("claude") || full.Expires.Year() != 2027 || full.Caller.Metadata["limits"] != nil {
		t.Errorf("%+v %+v", full, full.Caller)
	}
	alice, result := c.Snapshot.Keys.Lookup("sk-alice-abc123def456", at)
	if result != vkey.OK || alice.Caller.Name != "alice" || alice.Caller.Metadata["user"] != "alice" || alice.Caller.Metadata["tier"].(map[string]any)["level"] != int64(3) {
		t.Errorf("%+v", alice)
	}
	if plain, _ := c.Snapshot.Keys.Lookup("sk-plain", at); plain == nil || plain.Caller.Name != "plain" {
		t.Errorf("%+v", plain)
	}
	if list, _ := c.Snapshot.Keys.Lookup("sk-list", at); list == nil || list.Caller.MayUse("claude") {
		t.Errorf("%+v", list)
	}

	// Another key in the same entry goes on with what was spent.
	ids := map[string]string{}
	for _, k := range c.Declared {
		ids[k.Name] = k.ID
	}
	_, c = policyKeys(t, defaults(t), map[string]string{"plain": "sk-another", "new": "sk-plain"})
	for _, k := range c.Declared {
		if k.Name == "plain" && k.ID != ids["plain"] || k.Name == "new" && k.ID == ids["plain"] {
			t.Errorf("%s is %s", k.Name, k.ID)
		}
	}
}

func TestEntriesThatMakeNoSense(t *testing.T) {
	for _, tt := range []struct{ entry, want string }{
		{"", "the key is empty, or has spaces or line breaks"},
		{"sk-a sk-b", "the key is empty, or has spaces or line breaks"},
		{"sk-a\nsk-b", "the key is empty, or has spaces or line breaks"},
		{"{}", "has neither key nor keyHash"},
		{`{"key": "sk-a", "keyHash": "sha256:00"}`, "has both key and keyHash"},
		{`{"key": 5}`, "key has the wrong type"},
		{`{"key": ""}`, "the key is empty"},
		{`{"key": "sk-a", "key": "sk-b"}`, "is no valid JSON object"},
		{`{"key": "sk-a"`, "is no valid JSON object"},
		{`{"keyHash": "sha256:xyz"}`, "64 hexadecimal digits"},
		{`{"keyHash": "md5:00"}`, `the form "sha256:"`},
		{`{"key": "sk-a", "metadata": []}`, "metadata has the wrong type"},
		{`{"key": "sk-a", "limits": []}`, "has a field that is not known; there are key, keyHash and metadata"},
		{`{"key": "sk-a", "metadata": {"limits": {}}}`, "limits: must be a list"},
		{`{"key": "sk-a", "metadata": {"limits": [{"kind": "cost", "amount": "lots"}]}}`, "limits[0].amount: must be an amount"},
		{`{"key": "sk-a", "metadata": {"limits": [{"kind": "cost", "amount": "1", "windw": {}}]}}`, `limits[0].windw:`},
		{`{"key": "sk-a", "metadata": {"limits": [{"kind": "cost", "amount": "1"}, {"id": "lim_000000000000", "kind": "tokens", "amount": "1"}]}}`, "limits have no id here"},
		{`{"key": "sk-a", "metadata": {"models": "gpt"}}`, "models: must be an object"},
		{`{"key": "sk-a", "metadata": {"expiresAt": "soon"}}`, "expiresAt: must be a time"},
	} {
		r, c := policyKeys(t, defaults(t), map[string]string{"bad": tt.entry, "good": "sk-good"})
		a := r.Statuses.Policies[types.NamespacedName{Namespace: "infra", Name: "p"}][0].Conditions[0]
		if a.Reason != "PartiallyValid" || a.Status != "True" || !strings.Contains(a.Message, tt.want) || !strings.Contains(a.Message, `Secret/infra/keys, entry "bad"`) || strings.Contains(a.Message, "sk-") {
			t.Errorf("%s gave %s: %s\nwant %s", tt.entry, a.Reason, a.Message, tt.want)
		}
		if len(c.Declared) != 1 || c.Declared[0].Name != "good" {
			t.Errorf("%s: %d keys", tt.entry, len(c.Declared))
		}
	}
}

// A key of the configuration file is not taken over by an object.
func TestEntryThatTheFileHas(t *testing.T) {
	base, report := config.Load(config.Source{Name: "f", Text: []byte("llm: {port: 4000, models: [], policies: {apiKey: {keys: [{key: sk-file, name: filed}]}}}\n")}, config.Options{})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	r, c := policyKeys(t, base, map[string]string{"again": "sk-file", "own": "sk-own"})
	if len(c.Declared) != 2 {
		t.Errorf("%d keys", len(c.Declared))
	}
	if a := r.Statuses.Policies[types.NamespacedName{Namespace: "infra", Name: "p"}][0].Conditions[0]; !strings.Contains(a.Message, `entry "again": is the same key as another one`) {
		t.Error(a.Message)
	}
}

// Nobody makes all others wait for a Secret of theirs, nor a key of what is none.
func TestSecretsThatAreNoKeys(t *testing.T) {
	many := map[string]string{}
	for i := range 5001 {
		many[fmt.Sprint("k", i)] = fmt.Sprint("sk-", i)
	}
	for _, tt := range []struct {
		name    string
		entries map[string]string
		change  func(*manifest.Objects, *manifest.Settings)
		want    string
	}{
		{"too many", many, nil, "Secret/infra/keys has 5001 entries, and no key of it is good: spread them over several with at most 5000 each"},
		{"broken", map[string]string{"a": "sk-a"}, func(_ *manifest.Objects, s *manifest.Settings) {
			ref, _ := manifest.ParseRef("Secret/infra/keys")
			s.Broken[ref] = "a: is the secret of another key"
		}, "Secret/infra/keys: a: is the secret of another key; no key of it is good"},
		{"of a VirtualKey", map[string]string{"key": "sk-a", "rotation": "2"}, func(o *manifest.Objects, _ *manifest.Settings) {
			o.Secrets[len(o.Secrets)-1].OwnerReferences = []metav1.OwnerReference{{APIVersion: "tollgate.dev/v1alpha1", Kind: "VirtualKey", Name: "k", UID: "u"}}
		}, "the Secret infra/keys belongs to a VirtualKey, which is good without a policy"},
	} {
		o, s := policyObjects(t, tt.entries), settingsOf(t, "")
		if tt.change != nil {
			tt.change(o, &s)
		}
		r := manifest.Compile(defaults(t), o, s)
		c := inForce(t, r.Config)
		a := r.Statuses.Policies[types.NamespacedName{Namespace: "infra", Name: "p"}][0].Conditions[0]
		if a.Reason != "PartiallyValid" || !strings.Contains(a.Message, tt.want) || len(c.Declared) != 0 || r.Config.Routes[0].Policies.APIKey.Mode != config.ModeStrict {
			t.Errorf("%s: %s: %s; %d keys", tt.name, a.Reason, a.Message, len(c.Declared))
		}
	}
}

// FuzzEntries puts anything into an entry: nothing of it is shown, and whatever is taken
// from it the data plane takes too.
func FuzzEntries(f *testing.F) {
	for _, text := range []string{"sk-plain", `{"key": "k", "metadata": {"limits": [{"kind": "cost", "amount": "1"}], "models": ["a*"], "expiresAt": "2027-01-01T00:00:00Z", "x": {"y": [1, 1e400, null]}}}`, `{"keyHash": "sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f"}`, "{", "\x00", `{"metadata":{"$HOME":"~/a","<<":{"a":1}},"key":"k"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, hashedOnly := range []bool{false, true} {
			key, err := manifest.EntryKey(value, hashedOnly, config.Position{File: "Secret/a/b", Path: "entry"})
			if err != nil {
				if key != nil {
					t.Error("a key and an error")
				}
				if s := string(value); len(s) > 20 && !json.Valid(value) && strings.Contains(err.Error(), s) {
					t.Errorf("the entry is shown: %v", err)
				}
				continue
			}
			report := &config.Report{}
			k, _ := declaration.Key(key, report)
			if _, err := k.Compile(nil); err != nil || len(report.Problems) > 0 {
				t.Errorf("%v %v", err, report.Problems)
			}
		}
	})
}
