package adminapi

import (
	"net/http"
	"strings"
	"testing"
)

// A viewer sees keys, and of their secrets not even what others may know.
func TestViewersSeeNothingOfSecrets(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/v1/keys", "/api/v1/keys/app"} {
		for token, knows := range map[string]bool{"token-of-the-owner": true, "token-of-an-auditor": true, "token-of-a-viewer": false} {
			answer := w.send(t, request{method: http.MethodGet, path: path, token: token})
			if text := answer.Body.String(); answer.Code != http.StatusOK || strings.Contains(text, `"last4"`) != knows || !strings.Contains(text, `"secrets":[`) {
				t.Errorf("%s of the %s: %d %s", path, token, answer.Code, text)
			}
		}
	}
}
