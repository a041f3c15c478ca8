// Package console serves the web console: files that were built from the folder web and
// are part of the program. It knows nothing of what the console shows; the pages
// ask the admin API.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed dist
var built embed.FS

// Path is where the console is, with the slash at its end.
const Path = "/ui/"

const indexName = "index.html"

// noncePlace is what the first page has where the nonce of its answer goes.
const noncePlace = "__NONCE__"

// Handler serves the console below Path. Every address that is no file is the first
// page, whose script finds out what to show.
func Handler() http.Handler {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		panic("console: " + err.Error())
	}
	return newSite(files)
}

// site is a set of files. None of them changes while the program runs.
type site struct {
	index *file // the first page
	files map[string]*file
}

type file struct {
	kind string
	// plain and packed give it as it is and compressed. What nobody asks for takes no memory.
	plain, packed func() []byte
}

func newSite(from fs.FS) *site {
	s := &site{files: map[string]*file{}}
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain := sync.OnceValue(func() []byte {
			text, err := fs.ReadFile(from, name)
			if err != nil {
				panic("console: " + err.Error()) // it was there a moment ago, in the program itself
			}
			return text
		})
		s.files[name] = &file{kind: kind(name), plain: plain, packed: sync.OnceValue(func() []byte { return compressed(plain()) })}
		return nil
	})
	if s.index = s.files[indexName]; err != nil || s.index == nil {
		panic("console: the program was built without the console's files: run 'npm ci' and 'npm run build' in web")
	}
	delete(s.files, indexName)
	return s
}

// kind is the media type of a file. It does not depend on what the machine has registered.
func kind(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".md":
		return "text/plain; charset=utf-8"
	}
	if found := mime.TypeByExtension(path.Ext(name)); found != "" {
		return found
	}
	return "application/octet-stream"
}

func compressed(text []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one
	_, _ = z.Write(text)                                    // into memory
	_ = z.Close()
	return out.Bytes()
}

// ServeHTTP implements http.Handler.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Path)
	if f := s.files[name]; f != nil {
		f.serve(w, r, strings.HasPrefix(name, "assets/"))
		return
	}
	if strings.HasPrefix(name, "assets/") {
		// A page of an older build asks for what this one does not have.
		http.Error(w, "there is no such file in this build of the console: load the page anew", http.StatusNotFound)
		return
	}
	s.first(w)
}

// first answers with the first page. Scripts come from this server's files alone, and no style
// is in force that is not theirs or marked with the nonce of this one answer.
func (s *site) first(w http.ResponseWriter) {
	nonce := rand.Text()
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self' 'nonce-" + nonce + "'", "img-src 'self'", "font-src 'self'",
		"connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; "))
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	_, _ = w.Write(bytes.Replace(s.index.plain(), []byte(noncePlace), []byte(nonce), 1))
}

// serve answers with a file. The names of assets have a digest in them, so they never change.
func (f *file) serve(w http.ResponseWriter, r *http.Request, asset bool) {
	head := w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Vary", "Accept-Encoding")
	head.Set("Cache-Control", "no-cache")
	if asset {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	if packs(r) {
		body = f.packed
		head.Set("Content-Encoding", "gzip")
	}
	text := body()
	head.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}

// packs tells whether the client takes gzip.
func packs(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if name == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
