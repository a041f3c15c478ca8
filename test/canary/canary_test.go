// Package canary holds one test: values that occur nowhere else are used as
// virtual keys, provider credentials and prompts, everything that can go well
// or wrong is made to happen, and then none of them may be found in anything
// that the program says.
package canary

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tollgate/test/program"
)

// The values. Each is a credential or a content of its own kind, so that a
// leak tells where it comes from.
const (
	virtualKey  = "sk-canary-virtual-key-7f3a91"
	limitedKey  = "sk-canary-limited-key-2b8c44"
	unknownKey  = "sk-canary-unknown-key-91d0e5"
	checkedKey  = "sk-tg-CanaryCanary-CanaryValueThatLooksLikeOneOfOursButIsNotOne000000000"
	providerKey = "sk-canary-provider-credential-c55d02"
	fileKey     = "sk-canary-provider-file-08be17"
	prompt      = "canary-prompt-the-merger-closes-on-friday"
	answerText  = "canary-answer-the-price-is-forty-two"
	cookie      = "canary-cookie-session-5e1f"
	brokenKey   = "sk-canary-in-a-broken-file-6a6a"
)

// credentials may be seen by nobody but whom they are for; contents may stand in the
// answer to the caller who sent them, but nowhere else.
var (
	credentials = []string{virtualKey, limitedKey, unknownKey, checkedKey, providerKey, fileKey, cookie, brokenKey}
	contents    = []string{prompt, answerText}
)

func TestMain(m *testing.M) {
	if _, err := program.Path(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	program.Clean()
	os.Exit(code)
}

// TestNothingIsTold does everything and then looks everywhere.
func TestNothingIsTold(t *testing.T) {
	s := newScene(t)
	s.succeed()
	s.administer()
	s.refuse()
	s.failUpstream()
	s.leave()
	s.reloadBroken()
	s.inspect()
	s.stop()
	s.validateBroken()

	// The canaries were really at work, or finding none would mean nothing.
	sent := s.seenByProvider()
	for _, value := range []string{providerKey, fileKey, storedKey, replacedKey, prompt} {
		if !strings.Contains(sent, value) {
			t.Errorf("%q never reached the provider, so this test shows nothing about it", value)
		}
	}
	for _, value := range slices.Concat([]string{virtualKey, limitedKey, unknownKey, cookie, ownerToken, masterKey, importedKey}, s.secrets) {
		if strings.Contains(sent, value) {
			t.Errorf("%q reached the provider", value)
		}
	}
	for place, text := range s.said {
		if len(text) == 0 {
			t.Errorf("%s is empty, so this test shows nothing about it", place)
		}
		for _, value := range slices.Concat(credentials, contents) {
			if at := strings.Index(text, value); at >= 0 {
				t.Errorf("%q is told in %s: …%s…", value, place, around(text, at))
			}
		}
		s.search(place, text)
	}
	for i, answer := range s.answers {
		for _, value := range credentials {
			if at := strings.Index(answer, value); at >= 0 {
				t.Errorf("%q is told in answer %d: …%s…", value, i, around(answer, at))
			}
		}
		s.search(fmt.Sprintf("answer %d", i), answer)
	}
}

// search looks for what administration handles, in every shape.
func (s *scene) search(place, text string) {
	s.t.Helper()
	for _, value := range administered {
		for _, form := range forms(value) {
			if at := strings.Index(text, form); at >= 0 {
				s.t.Errorf("%q is told in %s: …%q…", value, place, around(text, at))
			}
		}
	}
	for _, value := range s.secrets {
		if place == "the backup of pepper" && !strings.Contains(value, "-") {
			continue // whoever has the backup can start from it
		}
		for _, form := range forms(core(value)) {
			if at := strings.Index(text, form); at >= 0 {
				s.t.Errorf("a secret that was shown once is told in %s: …%q…", place, around(text, at))
			}
		}
	}
}

func around(text string, at int) string {
	return strings.ReplaceAll(text[max(0, at-120):min(len(text), at+120)], "\n", `\n`)
}
