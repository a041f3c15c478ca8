package console

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(h http.Handler, path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var little = fstest.MapFS{
	"index.html":       {Data: []byte(`<meta content="__NONCE__"><script src="/ui/assets/a-1.js">`)},
	"icon.svg":         {Data: []byte("<svg/>")},
	"assets/a-1.js":    {Data: []byte(strings.Repeat("x();", 1000))},
	"assets/deep/b.js": {Data: []byte("y()")},
}

func TestFirstPage(t *testing.T) {
	h := newSite(little)
	seen := map[string]bool{}
	for _, path := range []string{"/ui/", "/ui/keys", "/ui/keys/key_1?tab=x", "/ui/index.html", "/ui/icon.svg/"} {
		w := get(h, path, "gzip")
		policy := w.Header().Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`'nonce-([A-Z2-7]{26})'`).FindStringSubmatch(policy)
		if nonce == nil || seen[nonce[1]] || !strings.Contains(w.Body.String(), `content="`+nonce[1]+`"`) {
			t.Errorf("%s: %s with %s", path, policy, w.Body)
			continue
		}
		seen[nonce[1]] = true
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a nonce is kept: %v", path, w.Header())
		}
	}
}

func TestFiles(t *testing.T) {
	h := newSite(little)
	w := get(h, "/ui/assets/a-1.js", "br, gzip;q=0.8")
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != strings.Repeat("x();", 1000) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if head := w.Header(); !strings.Contains(head.Get("Cache-Control"), "immutable") || head.Get("Content-Type") != "text/javascript; charset=utf-8" || head.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v", head)
	}
	for _, accept := range []string{"", "identity", "gzip;q=0", "br"} {
		if w := get(h, "/ui/assets/a-1.js", accept); w.Header().Get("Content-Encoding") != "" || w.Body.Len() != 4000 {
			t.Errorf("%q: %v", accept, w.Header())
		}
	}
	if w := get(h, "/ui/icon.svg", ""); w.Header().Get("Cache-Control") != "no-cache" || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%v", w.Header())
	}
	if w := get(h, "/ui/assets/gone-2.js", ""); w.Code != http.StatusNotFound {
		t.Errorf("a script of another build: %d", w.Code)
	}
}

// TestBuilt looks at the console that the program really has: everything that its first page
// names is there, nothing comes from elsewhere, and no script stands in the page.
func TestBuilt(t *testing.T) {
	h := Handler()
	page := get(h, Path, "").Body.String()
	if strings.Contains(page, "<style") || strings.Contains(page, " style=") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) {
		t.Errorf("something stands in the page: %s", page)
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(named) < 3 {
		t.Errorf("the page names %v", named)
	}
	first := 0
	for _, n := range named {
		w := get(h, n[1], "gzip")
		if !strings.HasPrefix(n[1], Path) || w.Code != http.StatusOK || strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %v", n[1], w.Code, w.Header())
		}
		first += w.Body.Len()
	}
	if first > 400<<10 {
		t.Errorf("the first page and what it names are %d KB compressed, more than 400", first>>10)
	}
}
