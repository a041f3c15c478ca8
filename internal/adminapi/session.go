package adminapi

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"sync"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/secret"
)

const (
	// sessionCookie is the name of the cookie that stands for a session.
	sessionCookie = "tollgate_session"
	// sessionLasts is how long a session lasts, sessionRests how long one that is not used.
	sessionLasts = 12 * time.Hour
	sessionRests = 2 * time.Hour
	// sessionsKept bounds how many there are. The one that was used longest ago gives way.
	sessionsKept = 1000
)

// sessions let browsers use an admin token without keeping it where scripts can read it:
// the browser has a random name of the session in a cookie, the token stays here, in
// memory alone. It is presented anew with every request, so a session never outlives its
// token. It is safe for concurrent use.
type sessions struct {
	now func() time.Time

	mu  sync.Mutex
	all map[sessionName]*session
}

// sessionName is the digest of what the cookie holds: what is in memory opens nothing.
type sessionName [sha256.Size]byte

type session struct {
	token   secret.Text
	expires time.Time
	used    time.Time
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[sessionName]*session{}}
}

// open begins a session for a token and gives the cookie's value.
func (s *sessions) open(token string) (value string, expires time.Time) {
	value = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.forget(now)
	expires = now.Add(sessionLasts)
	s.all[sha256.Sum256([]byte(value))] = &session{token: secret.New(token), expires: expires, used: now}
	return value, expires
}

// forget drops the sessions that are over and makes room for another.
func (s *sessions) forget(now time.Time) {
	var oldest sessionName
	var since time.Time
	for name, each := range s.all {
		if each.over(now) {
			delete(s.all, name)
		} else if since.IsZero() || each.used.Before(since) {
			oldest, since = name, each.used
		}
	}
	if len(s.all) >= sessionsKept {
		delete(s.all, oldest)
	}
}

func (s *session) over(now time.Time) bool {
	return !now.Before(s.expires) || now.Sub(s.used) >= sessionRests
}

// token gives the token of a session, "" if there is no such session.
func (s *sessions) token(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, now := s.all[sha256.Sum256([]byte(value))], s.now()
	if found == nil || found.over(now) {
		return ""
	}
	found.used = now
	return found.token.Reveal()
}

// end ends a session and tells whether there was one.
func (s *sessions) end(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := sessionName(sha256.Sum256([]byte(value)))
	there := s.all[name] != nil
	delete(s.all, name)
	return there
}

// sessionOf gives what the session cookie of a request holds, "" if it has none.
func sessionOf(r *http.Request) string {
	if c, err := r.Cookie(sessionCookie); err == nil {
		return c.Value
	}
	return ""
}

// ownPage tells whether a request that a cookie vouches for was made by the console itself:
// browsers send cookies along whoever made the request. What only reads may also be asked
// for by typing its address. Every browser that the console runs in sends one of both headers.
func ownPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Method == http.MethodGet && (site == "none" || site == "") {
		return true
	}
	return site == "same-origin" || site == "" && r.Header.Get("Origin") != "" // which is then our own
}

// cookie is the session cookie of an answer. Whoever claims to come over TLS is believed: it
// only makes the cookie stricter.
func cookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	c := &http.Cookie{Name: sessionCookie, Value: value, Path: "/", Expires: expires, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// session mounts the beginning and the end of sessions.
func (s *service) session(all *sessions) {
	register(s, "createSession", about{
		tag: "Admin tokens", summary: "Begin a session of a browser", created: true,
		text: "Send the admin token as a bearer token. The answer sets a cookie (HttpOnly, SameSite=Strict) that stands for it until the session or the token ends; requests with the cookie must come from pages of this server.",
	}, func(_ context.Context, rq *asked, _, _ *none) (*admin.Session, error) {
		token := presented(rq.x.r)
		if token == "" {
			return nil, refusal(http.StatusForbidden, "token_wanted", "a session begins with an admin token, not with another session")
		}
		if old := sessionOf(rq.x.r); old != "" {
			all.end(old)
		}
		value, expires := all.open(token)
		http.SetCookie(rq.x.w, cookie(rq.x.r, value, expires))
		s.log.Info("a session of a browser begins", "actor", rq.Actor.Name, "from", rq.Actor.From)
		return &admin.Session{WhoAmI: *s.who(rq), ExpiresAt: expires.UTC()}, nil
	})
	register(s, "deleteSession", about{tag: "Admin tokens", summary: "End the session of a browser"},
		func(_ context.Context, rq *asked, _, _ *none) (*admin.SessionEnded, error) {
			http.SetCookie(rq.x.w, cookie(rq.x.r, "", time.Unix(1, 0)))
			return &admin.SessionEnded{Ended: all.end(sessionOf(rq.x.r))}, nil
		})
}

// who tells whom a request comes from, and what they may do.
func (s *service) who(rq *asked) *admin.WhoAmI {
	who := s.control.Who(rq.Call)
	who.May = may(rq.Actor.Role)
	return who
}

// may names the operations that a role allows.
func may(role actor.Role) []string {
	names := []string{}
	for i := range routes {
		if routes[i].permits(role) {
			names = append(names, routes[i].operation)
		}
	}
	slices.Sort(names)
	return names
}
