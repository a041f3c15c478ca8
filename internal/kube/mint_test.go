//go:build !nokube

package kube_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tollgate/internal/kube"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
	"tollgate/internal/vkey"
)

const aliceID = "key_0123456789ab"

const alice = "apiVersion: tollgate.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: alice, namespace: team}\nspec: {rotation: ROTATION}"

func aliceWith(rotation string) string { return strings.ReplaceAll(alice, "ROTATION", rotation) }

// minting says of every virtual key without a secret of its rotation that it wants one.
func minting(o *manifest.Objects) *manifest.Result {
	r := (&verdict{}).compile(o)
	for _, k := range o.VirtualKeys {
		m := manifest.Mint{Key: k, ID: aliceID}
		wanted := true
		for _, s := range o.Secrets {
			if s.Namespace == k.Namespace && s.Name == k.Name && len(s.Data[resource.SecretCurrent]) > 0 {
				m.Rotate = true
				wanted = string(s.Data[resource.SecretRotation]) != k.Spec.Rotation
			}
		}
		if wanted {
			r.Mint = append(r.Mint, m)
		}
	}
	return r
}

func secretValue(t *testing.T, s *server, key string) string {
	t.Helper()
	u := s.get("Secret", "team", "alice")
	text, _, _ := unstructured.NestedString(u.Object, "data", key)
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestASecretIsMintedOnceAndRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply(aliceWith("first"))
		r := s.start(kube.Options{}, minting)
		r.settle(3 * time.Second)
		u := s.get("Secret", "team", "alice")
		first := secretValue(t, s, "key")
		if id, ok := vkey.Parse(first); !ok || "key_"+id != aliceID {
			t.Errorf("the secret is not one of key %s", aliceID)
		}
		owner := metav1.GetControllerOf(u)
		if owner == nil || owner.Kind != "VirtualKey" || owner.APIVersion != "tollgate.dev/v1alpha1" || owner.UID != s.get("VirtualKey", "team", "alice").GetUID() {
			t.Errorf("owner %v", owner)
		}
		wantText(t, "labels", u.GetLabels()["app.kubernetes.io/managed-by"]+" "+u.GetLabels()["tollgate.dev/virtual-key"], "tollgate alice")
		wantText(t, "rotation", secretValue(t, s, "rotation"), "first")
		wantText(t, "previous", secretValue(t, s, "previousKey"), "")
		if kind, _, _ := unstructured.NestedString(u.Object, "type"); kind != "Opaque" {
			t.Errorf("type %q", kind)
		}
		events, err := s.objects.Tracker().List(s.of("Event"), schema.GroupVersionKind{Version: "v1", Kind: "Event"}, "team")
		if err != nil {
			t.Fatal(err)
		}
		if e := events.(*unstructured.UnstructuredList).Items; len(e) != 1 || e[0].Object["reason"] != "Minted" {
			t.Errorf("events: %v", e)
		}
		s.written()

		r.settle(10 * time.Minute)
		if w := s.written(); len(w) > 0 || secretValue(t, s, "key") != first {
			t.Errorf("minted again: %v", w)
		}

		s.apply(aliceWith("second"))
		r.settle(time.Second)
		second := secretValue(t, s, "key")
		if id, ok := vkey.Parse(second); !ok || "key_"+id != aliceID || second == first {
			t.Error("the secret was not rotated")
		}
		wantText(t, "previous", secretValue(t, s, "previousKey"), first)
		wantText(t, "previous until", secretValue(t, s, "previousUntil"), "2000-01-02T00:10:03Z")
		wantText(t, "rotation", secretValue(t, s, "rotation"), "second")
		w := s.written()
		if !slices.Contains(w, "update secrets team/alice") || strings.Contains(r.log.String(), first) || strings.Contains(r.log.String(), second) {
			t.Errorf("writes %v, log\n%s", w, r.log)
		}
	})
}

func TestSomebodyElseMintedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply(aliceWith("first"))
		raced := false
		s.before = func(verb string, u *unstructured.Unstructured) error {
			if verb != "create secrets" || raced {
				return nil
			}
			raced = true
			theirs := u.DeepCopy()
			theirs.SetResourceVersion("1")
			theirs.Object["data"] = map[string]any{"key": "dGhlaXJz", "rotation": base64.StdEncoding.EncodeToString([]byte("first"))}
			if err := s.objects.Tracker().Create(s.of("Secret"), theirs, "team"); err != nil {
				t.Error(err)
			}
			return apierrors.NewAlreadyExists(schema.GroupResource{Resource: "secrets"}, u.GetName())
		}
		r := s.start(kube.Options{}, minting)
		r.settle(10 * time.Second)
		wantText(t, "the secret", secretValue(t, s, "key"), "theirs")
		if strings.Contains(r.log.String(), "level=WARN") {
			t.Errorf("a race that was lost is no news:\n%s", r.log)
		}
	})
}

func TestNobodysSecretIsTaken(t *testing.T) {
	for _, c := range []struct{ name, secret string }{
		{"owned", "metadata: {name: alice, namespace: team, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: x, uid: u, controller: true}]}"},
		{"filled", "metadata: {name: alice, namespace: team}\ndata: {password: eA==}"},
		{"owned by a key of the same name that is gone", "metadata: {name: alice, namespace: team, labels: {tollgate.dev/virtual-key: alice}, ownerReferences: [{apiVersion: tollgate.dev/v1alpha1, kind: VirtualKey, name: alice, uid: old, controller: true}]}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.apply(page)
				s.apply(aliceWith("first"))
				s.apply("apiVersion: v1\nkind: Secret\n" + c.secret)
				s.start(kube.Options{}, minting).settle(3 * time.Second)
				if slices.ContainsFunc(s.written(), func(w string) bool { return strings.Contains(w, " secrets ") }) {
					t.Error("the Secret was written")
				}
			})
		})
	}
	t.Run("our own without a secret in it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.apply(page)
			s.apply(aliceWith("first"))
			s.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: alice, namespace: team, labels: {team: a}, ownerReferences: [{apiVersion: tollgate.dev/v1alpha1, kind: VirtualKey, name: alice, uid: " +
				string(s.get("VirtualKey", "team", "alice").GetUID()) + ", controller: true}]}")
			s.start(kube.Options{}, minting).settle(3 * time.Second)
			if _, ok := vkey.Parse(secretValue(t, s, "key")); !ok {
				t.Error("the Secret was not filled")
			}
			wantText(t, "labels", keysOf(s.get("Secret", "team", "alice").GetLabels()), "app.kubernetes.io/managed-by team tollgate.dev/virtual-key")
		})
	})
}

// TestGraceOfNothing ends the secret before at once.
func TestGraceOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply(aliceWith("first"))
		r := s.start(kube.Options{}, minting)
		r.settle(3 * time.Second)
		s.apply(strings.ReplaceAll(aliceWith("second"), "rotation:", "grace: 0s, rotation:"))
		r.settle(time.Second)
		wantText(t, "rotation", secretValue(t, s, "rotation"), "second")
		wantText(t, "previous", secretValue(t, s, "previousKey")+secretValue(t, s, "previousUntil"), "")
	})
}

// TestNothingIsMintedOfOldObjects: what is kept may have no Secrets, which says nothing.
func TestNothingIsMintedOfOldObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		o := kube.Options{Cache: t.TempDir() + "/objects"}
		s.apply(aliceWith("first"))
		r := s.start(o, minting)
		r.settle(10 * time.Second)
		r.stop()
		first := secretValue(t, s, "key")
		s.written()
		// The API server answers, but one kind cannot be listed yet.
		s.mu.Lock()
		s.down = true
		s.mu.Unlock()
		r = s.start(o, minting)
		r.settle(time.Minute)
		if r.last == nil || len(r.last.VirtualKeys) != 1 || len(r.last.Secrets) != 0 {
			t.Fatalf("served from the cache: %+v", r.last)
		}
		s.comeBack()
		r.settle(time.Minute)
		wantText(t, "secret", secretValue(t, s, "key"), first)
		if w := s.written(); len(w) > 0 {
			t.Errorf("written: %v", w)
		}
	})
}
