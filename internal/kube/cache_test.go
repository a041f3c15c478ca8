//go:build !nokube

package kube_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/kube"
)

// sealed gives options whose cache is sealed, after a fashion.
func sealed(file string) kube.Options {
	turn := func(b []byte) []byte {
		out := bytes.Clone(b)
		for i := range out {
			out[i] ^= 0x55
		}
		return out
	}
	return kube.Options{
		Cache: file, Seal: func(b []byte) []byte { return append([]byte("seal"), turn(b)...) },
		Open: func(b []byte) ([]byte, error) {
			body, ok := bytes.CutPrefix(b, []byte("seal"))
			if !ok {
				return nil, errors.New("wrong key")
			}
			return turn(body), nil
		},
	}
}

const inlined = `apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: inline, namespace: kgateway-system}
spec: {type: AI, ai: {llm: {openai: {authToken: {kind: Inline, inline: sk-inline}}}}}`

func TestObjectsOutliveTheProcess(t *testing.T) {
	for _, c := range []struct {
		name    string
		options func(file string) kube.Options
		secrets string
		plain   bool
	}{
		{"sealed", sealed, "openai-secret", false},
		{"without a seal", func(f string) kube.Options { return kube.Options{Cache: f} }, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.apply(page)
				s.apply(inlined)
				o := c.options(t.TempDir() + "/objects")
				r := s.start(o, (&verdict{}).compile)
				r.settle(10 * time.Second)
				r.stop()
				info, err := os.Stat(o.Cache)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Fatalf("the file: %v, %v", info, err)
				}
				text := readFile(t, o.Cache)
				for _, credential := range []string{"sk-inline", "sk-one", "c2stb25l"} {
					if strings.Contains(text, credential) {
						t.Errorf("the file has %s in clear", credential)
					}
				}

				s.goAway()
				r = s.start(o, (&verdict{}).compile)
				r.settle(5 * time.Minute)
				if r.told != 1 || r.last == nil {
					t.Fatalf("told %d times of %v, want once of what was kept", r.told, r.last)
				}
				wantText(t, "routes", names(r.last.Routes), "openai")
				wantText(t, "backends", names(r.last.Backends), "inline openai")
				wantText(t, "secrets", names(r.last.Secrets), c.secrets)
				wantText(t, "bundle", r.last.Bundle, "v1.6.3")
				if in := r.last.Backends[0].Spec.AI.LLM.OpenAI.AuthToken.Inline; (in == nil) != c.plain {
					t.Errorf("inline credential: %v", in)
				}
				if r.Leading() {
					t.Error("leads without an API server")
				}

				s.comeBack()
				r.settle(time.Minute)
				wantText(t, "secrets when the API server is back", names(r.last.Secrets), "openai-secret unrelated")
			})
		})
	}
}

func TestAFileThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(o *kube.Options, text string) string
		want   string
	}{
		{"cut", func(_ *kube.Options, text string) string { return text[:len(text)-1] }, "damaged"},
		{"altered", func(_ *kube.Options, text string) string { return strings.Replace(text, "openai", "openal", 1) }, "damaged"},
		{"of something else", func(*kube.Options, string) string { return "hello" }, "damaged"},
		{"empty", func(*kube.Options, string) string { return "" }, "damaged"},
		{"of another Gateway", func(o *kube.Options, text string) string {
			o.Gateway = "a/b"
			return text
		}, "it is of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.apply(page)
				o := kube.Options{Cache: t.TempDir() + "/objects"}
				r := s.start(o, (&verdict{}).compile)
				r.settle(10 * time.Second)
				r.stop()
				text := readFile(t, o.Cache)
				if err := os.WriteFile(o.Cache, []byte(c.damage(&o, text)), 0o600); err != nil {
					t.Fatal(err)
				}
				s.goAway()
				r = s.start(o, nil)
				r.settle(time.Minute)
				if r.told != 0 || r.Objects() != nil || !strings.Contains(r.log.String(), c.want) {
					t.Errorf("told %d times; log:\n%s", r.told, r.log)
				}
				s.comeBack()
				r.settle(time.Minute)
				wantText(t, "routes", names(r.last.Routes), "openai")
			})
		})
	}
	t.Run("put there without a seal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.apply(page)
			plain := kube.Options{Cache: t.TempDir() + "/objects"}
			r := s.start(plain, (&verdict{}).compile)
			r.settle(10 * time.Second)
			r.stop()
			s.goAway()
			r = s.start(sealed(plain.Cache), nil)
			r.settle(time.Minute)
			if r.told != 0 || r.Objects() != nil || !strings.Contains(r.log.String(), "it is not sealed, though there is a master key") {
				t.Errorf("told %d times; log:\n%s", r.told, r.log)
			}
		})
	})
	t.Run("of another key", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t)
			s.apply(page)
			o := sealed(t.TempDir() + "/objects")
			r := s.start(o, (&verdict{}).compile)
			r.settle(10 * time.Second)
			r.stop()
			s.goAway()
			o.Open = func([]byte) ([]byte, error) { return nil, errors.New("another key sealed it") }
			r = s.start(o, nil)
			r.settle(time.Minute)
			if r.told != 0 || !strings.Contains(r.log.String(), "another key sealed it") {
				t.Errorf("told %d times; log:\n%s", r.told, r.log)
			}
		})
	})
}

// TestALostPermissionTakesNothingAway, not even with a restart.
func TestALostPermissionTakesNothingAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		o := sealed(t.TempDir() + "/objects")
		r := s.start(o, (&verdict{}).compile)
		r.settle(10 * time.Second)
		r.stop()
		s.deny("list httproutes", "list secrets", "list secrets openai-secret")
		r = s.start(o, (&verdict{}).compile)
		r.settle(time.Minute)
		wantText(t, "routes", names(r.last.Routes), "openai")
		wantText(t, "secrets", names(r.last.Secrets), "openai-secret")
		s.allow()
		s.remove("HTTPRoute", pageNamespace, "openai")
		r.settle(2 * time.Minute)
		wantText(t, "routes when they may be listed again", names(r.last.Routes), "")
	})
}

func TestTheFileIsWrittenWhenObjectsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		o := sealed(t.TempDir() + "/objects")
		r := s.start(o, (&verdict{}).compile)
		r.settle(10 * time.Second)
		if err := os.Remove(o.Cache); err != nil {
			t.Fatal(err)
		}
		s.apply(page) // other versions of the same
		r.settle(20 * time.Second)
		s.apply(strings.ReplaceAll(page, "gpt-4o", "gpt-5"))
		r.settle(20 * time.Second)
		if _, err := os.Stat(o.Cache); err != nil {
			t.Error(err)
		}
		if err := os.Remove(o.Cache); err != nil {
			t.Fatal(err)
		}
		r.Published((&verdict{}).compile(r.Objects()))
		r.settle(20 * time.Second)
		if _, err := os.Stat(o.Cache); err == nil {
			t.Error("written although nothing changed")
		}
	})
}
