package adminapi

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	curlURL    = regexp.MustCompile(`\$TOLLGATE(/[^" \n]+)`)
	curlMethod = regexp.MustCompile(`-X ([A-Z]+)`)
	curlHeader = regexp.MustCompile(`-H '([A-Za-z-]+): ([^']*)'`)
	curlBody   = regexp.MustCompile(`(?s)-d '([^']*)'`)
)

// TestGuide sends every request that docs/api.md shows.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, guide, _ := strings.Cut(string(text), "For operators\n")
	shown := strings.Split(guide, "    curl ")[1:]
	if len(shown) < 12 {
		t.Fatalf("%d requests are shown", len(shown))
	}
	for _, command := range shown {
		command, _, _ = strings.Cut(command, "\n\n")
		rq := request{method: http.MethodGet, path: "/api/v1" + curlURL.FindStringSubmatch(command)[1], header: map[string]string{}}
		for _, header := range curlHeader.FindAllStringSubmatch(command, -1) {
			rq.header[header[1]] = header[2]
		}
		if body := curlBody.FindStringSubmatch(command); body != nil {
			rq.method, rq.body = http.MethodPost, body[1]
			if rq.header["Content-Type"] == "" {
				t.Errorf("curl sends no JSON by itself: %s", command)
			}
		}
		if method := curlMethod.FindStringSubmatch(command); method != nil {
			rq.method = method[1]
		}
		w := newWorld(t)
		if answer := w.send(t, rq); answer.Code >= 300 {
			t.Errorf("%s %s: %d %s", rq.method, rq.path, answer.Code, answer.Body)
		}
	}
}
