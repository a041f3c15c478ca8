package standard

import (
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/provider"
)

// TestClientsOfOldEndpointsAreForgotten: every reload may bring new endpoints,
// and nothing says which old ones are gone.
func TestClientsOfOldEndpointsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New()
		want := func(key string, n int) {
			t.Helper()
			c, err := tr.client(&provider.Endpoint{Key: key, Host: "h:80"})
			if err != nil {
				t.Fatal(err)
			}
			if c != tr.clients[key] || len(tr.clients) != n {
				t.Errorf("after %s there are %d clients, want %d", key, len(tr.clients), n)
			}
		}
		want("old", 1)
		want("kept", 2)
		time.Sleep(forgetAfter)
		want("kept", 2)
		time.Sleep(time.Nanosecond)
		want("new", 2)
		if tr.clients["old"] != nil {
			t.Error("the wrong one was forgotten")
		}
		tr.Close()
		want("new", 1)
	})
}
