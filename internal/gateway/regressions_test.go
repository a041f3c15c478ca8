package gateway_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/internal/provider"
)

// A target that cannot be reached cools down whatever bounds its attempts.
func TestConnectionFailureCountsUnderAClock(t *testing.T) {
	s, _ := pair(t, fails(provider.Connect), whole(200, good))
	s.route.BackendTimeout = time.Minute
	s.do(call{}).want(t, 200, "")
	if s.target.Health.Available(time.Now()) {
		t.Error("the target does not cool down")
	}
}

// JSON that answers a request for a stream is no stream: an error is not an event of it.
func TestLargeJSONThatBreaksOffForAStream(t *testing.T) {
	s := newScene(t, typed(200, "application/json", io.MultiReader(largeJSON(300<<10), brokenReader{}), -1))
	out := s.do(call{body: streamBody})
	if !out.aborted || strings.Contains(out.text(), "error") {
		t.Errorf("aborted %v, it ends in %q", out.aborted, out.text()[out.body.Len()-100:])
	}
}

// A refusal too long to be looked at is passed on from its beginning.
func TestLongRefusalOfAStream(t *testing.T) {
	long := `{"error":{"message":"` + strings.Repeat("x", 300<<10)
	s := newScene(t, whole(400, long))
	if out := s.do(call{body: streamBody}); !strings.HasPrefix(out.text(), `{"error":`) {
		t.Errorf("the caller has %.40q", out.text())
	}
}
