package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
)

// Options say which server is meant.
type Options struct {
	// URL is the address of the admin listener, for instance "http://127.0.0.1:15000", or
	// "unix:/run/tollgate/admin.sock" for a Unix socket.
	URL string
	// Token is an admin token.
	Token string
	// HTTPClient sends the requests; nil: one like http.DefaultClient. Redirects are
	// never followed: the token is for the server that was named.
	HTTPClient *http.Client
	// UserAgent names the program in the server's log; "": this package.
	UserAgent string
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base      string
	address   string // as it was given
	agent     string
	http      *http.Client
	authorize func(http.Header) // holds the token, so that printing a Client cannot show it
}

// New makes a client. It does not call the server.
func New(o Options) (*Client, error) {
	base, socket, err := baseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("an admin token has neither spaces nor control characters in it")
	}
	sender := &http.Client{}
	if o.HTTPClient != nil {
		*sender = *o.HTTPClient
	}
	if socket != "" {
		sender.Transport = dialling(sender.Transport, socket)
	}
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{base: base, address: base, agent: o.UserAgent, http: sender, authorize: func(http.Header) {}}
	if socket != "" {
		c.address = unixPrefix + socket
	}
	if c.agent == "" {
		c.agent = "tollgate-client"
	}
	if token := o.Token; token != "" {
		c.authorize = func(h http.Header) { h.Set("Authorization", "Bearer "+token) }
	}
	return c, nil
}

// URL is the address of the server, without a slash at its end.
func (c *Client) URL() string { return c.address }

// unixPrefix begins the address of a Unix socket; its path follows.
const unixPrefix = "unix:"

// dialling makes a transport that reaches a Unix socket, whatever it is asked for.
func dialling(like http.RoundTripper, socket string) http.RoundTripper {
	t, ok := like.(*http.Transport)
	if !ok {
		t = http.DefaultTransport.(*http.Transport)
	}
	t = t.Clone()
	t.Proxy = nil
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return t
}

// baseURL checks the address of a server. For a Unix socket it gives its path too.
func baseURL(text string) (base, socket string, err error) {
	if path, ok := strings.CutPrefix(text, unixPrefix); ok {
		if path = strings.TrimPrefix(path, "//"); !filepath.IsAbs(path) {
			return "", "", fmt.Errorf("%q is no address of a Unix socket: write it like \"unix:/run/tollgate/admin.sock\"", text)
		}
		return "http://localhost", path, nil
	}
	const right = `write it like "http://127.0.0.1:15000"`
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "", "", errors.New("the address of the server is missing: " + right)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", "", fmt.Errorf("%q is no address of a server: %s", text, right)
	case u.User != nil:
		return "", "", errors.New("the address of a server has no user name or password in it: " + right)
	case u.RawQuery != "" || u.Fragment != "":
		return "", "", fmt.Errorf("%q has more in it than the address of a server: %s", text, right)
	}
	return strings.TrimRight(u.String(), "/"), "", nil
}
