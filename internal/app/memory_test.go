package app

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{
		{0, 400}, {1 << 20, 400}, {8 << 20, 400}, {9 << 20, 350}, {16 << 20, 200}, {20 << 20, 150}, {31 << 20, 100}, {32 << 20, 100}, {4 << 30, 100},
	} {
		if got := percentFor(c.live); got != c.want {
			t.Errorf("with %d MB in use it is %d %%, want %d %%", c.live>>20, got, c.want)
		}
	}
}

// TestPaceCollector: what is in use decides, unless the operator has.
func TestPaceCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	PaceCollector(func(name string) (string, bool) { return "77", name == "GOGC" })
	if got := percentNow(); got != 77 {
		t.Fatalf("GOGC is set to 77, and it is %d", got)
	}
	PaceCollector(func(string) (string, bool) { return "", true })
	much := make([]byte, 8*room)
	becomes(t, 100)
	runtime.KeepAlive(much)
	much = nil
	becomes(t, mostPercent) // of a test little else is in use
}

// becomes waits until collections have brought the pace about.
func becomes(t *testing.T, percent int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); percentNow() != percent; runtime.Gosched() {
		if runtime.GC(); time.Now().After(end) {
			t.Fatalf("the pace is %d %%, want %d %%", percentNow(), percent)
		}
	}
}

func percentNow() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// TestWhenAsked: the handler is made once, for the first request.
func TestWhenAsked(t *testing.T) {
	made := 0
	h := whenAsked(func() http.Handler {
		made++
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	if made != 0 {
		t.Error("it was made before anybody asked")
	}
	for range 2 {
		answer := httptest.NewRecorder()
		if h.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil)); answer.Code != http.StatusTeapot || made != 1 {
			t.Errorf("answered %d, made %d times", answer.Code, made)
		}
	}
}
