package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tollgate/internal/dataplane"
)

// listeners are the open addresses of the data plane. A reload may open and
// close some; those that stay are not touched.
type listeners struct {
	server  *dataplane.Server
	log     *slog.Logger
	watch   connectionWatch
	mu      sync.Mutex
	open    map[string]*listening
	failed  chan error
	pending sync.WaitGroup // servers that still run
}

// listening is one open address.
type listening struct {
	address  string
	listener net.Listener
	server   *http.Server
	tls      atomic.Pointer[tls.Config] // nil inside: plain HTTP
	secure   bool

	bind, gateway, name string // for metrics
}

// connectionWatch gives the hook that counts the connections of a bind.
type connectionWatch func(bind, gatewayName, listener, protocol string) func(net.Conn, http.ConnState)

func newListeners(server *dataplane.Server, log *slog.Logger, watch connectionWatch) *listeners {
	return &listeners{server: server, log: log, watch: watch, open: map[string]*listening{}, failed: make(chan error, 1)}
}

// wanted is an address that a configuration listens on.
type wanted struct {
	bind    string // its name
	gateway string // of its first listener
	name    string // of its first listener
	address string
	tls     *tls.Config
}

// change is a set of listeners prepared for a new configuration: everything
// that can fail has been done, nothing of what runs has been touched.
type change struct {
	fresh   map[string]*listening
	wanted  []wanted
	closing []*listening
}

// prepare opens what a configuration wants in addition. On failure it leaves
// nothing open.
func (l *listeners) prepare(all []wanted) (*change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &change{fresh: map[string]*listening{}, wanted: all}
	keep := map[string]bool{}
	var errs []error
	for _, w := range all {
		if old := l.open[w.address]; old != nil && old.secure == (w.tls != nil) {
			keep[w.address] = true
			continue
		}
		listener, err := l.listen(w.address)
		if err != nil {
			errs = append(errs, &closedPort{portIn(w.address), fmt.Errorf("failed to start bind listener for applications: %w%s", err, inUse(err, "llm.port, or the port of its gateway or bind, in a configuration file"))})
			continue
		}
		c.fresh[w.address] = &listening{address: w.address, listener: listener, secure: w.tls != nil, bind: w.bind, gateway: w.gateway, name: w.name}
	}
	if err := errors.Join(errs...); err != nil {
		c.abandon()
		return nil, err
	}
	for address, old := range l.open {
		if !keep[address] {
			c.closing = append(c.closing, old)
		}
	}
	return c, nil
}

// listen opens an address. One that is open already, for HTTP where HTTPS is wanted or the
// other way round, is the same socket once more: nobody is turned away between the two.
func (l *listeners) listen(address string) (net.Listener, error) {
	old := l.open[address]
	if old == nil {
		return listen(address)
	}
	shared, ok := old.listener.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("listen on %s: this kind of address cannot change between HTTP and HTTPS without a restart", address)
	}
	file, err := shared.File()
	if err != nil {
		return nil, fmt.Errorf("listen on %s once more: %w", address, err)
	}
	defer file.Close()
	return net.FileListener(file)
}

// closedPort is the error of a port that cannot be listened on.
type closedPort struct {
	port int // 0 for a socket file
	error
}

// Unwrap gives what happened.
func (c *closedPort) Unwrap() error { return c.error }

// closedPorts gives the ports that an error is about.
func closedPorts(err error) []*closedPort {
	if c, ok := err.(*closedPort); ok {
		return []*closedPort{c}
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return closedPorts(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*closedPort
		for _, one := range e.Unwrap() {
			all = append(all, closedPorts(one)...)
		}
		return all
	default:
		return nil
	}
}

func portIn(address string) int {
	_, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text) // that of a socket file is none
	return port
}

// abandon closes what was prepared.
func (c *change) abandon() {
	for _, f := range c.fresh {
		_ = f.listener.Close()
	}
}

// commit puts a prepared change in force. Requests on closed addresses finish.
func (l *listeners) commit(c *change, grace time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, old := range c.closing {
		delete(l.open, old.address)
		stopAccepting(old.server)
	}
	maps.Copy(l.open, c.fresh)
	for _, w := range c.wanted {
		l.open[w.address].tls.Store(w.tls)
	}
	for address := range c.fresh {
		l.start(address, l.open[address])
	}
	for _, old := range c.closing {
		l.pending.Go(func() { shutdown(old.server, grace) })
	}
}

func (l *listeners) start(address string, o *listening) {
	o.server = &http.Server{
		Handler:           l.server.Handler(address),
		ReadHeaderTimeout: 15 * time.Second,
		IdleTimeout:       10 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnContext:       dataplane.ConnContext,
		ErrorLog:          log.New(quietly{l.log}, "", 0),
		ConnState:         l.watch(o.bind, o.gateway, o.name, map[bool]string{false: "http", true: "https"}[o.secure]),
	}
	serve := func() error { return o.server.Serve(dataplane.Watch(o.listener)) }
	if o.secure {
		o.server.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1"},
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return o.tls.Load(), nil
			},
		}
		serve = func() error { return o.server.ServeTLS(o.listener, "", "") }
	}
	l.pending.Go(func() {
		if err := serve(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			select {
			case l.failed <- fmt.Errorf("serve %s: %w", address, err):
			default:
			}
		}
	})
}

// drain stops accepting, lets requests under way finish for as long as grace,
// and then cuts those that remain.
func (l *listeners) drain(grace time.Duration) {
	l.mu.Lock()
	servers := make([]*http.Server, 0, len(l.open))
	for _, o := range l.open {
		servers = append(servers, o.server)
	}
	l.mu.Unlock()
	for _, s := range servers {
		l.pending.Go(func() { shutdown(s, grace) })
	}
	l.pending.Wait()
}

// stopAccepting closes the sockets of a server and nothing else: what the same address
// accepts from now on is its successor's.
func stopAccepting(s *http.Server) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(over) // its error is that requests are under way
}

func shutdown(s *http.Server, grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		_ = s.Close()
	}
}

// inUse says what to do about an address that is taken, and what sets it.
func inUse(err error, set string) string {
	if errors.Is(err, syscall.EADDRINUSE) {
		return "; another program, perhaps another tollgate, listens there: stop it, or set another port (" + set + ")"
	}
	return ""
}

// listen opens an address: host:port, or unix:/path. A socket file that nobody
// listens on any more is replaced.
func listen(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		// localhost is this machine wherever it can be looked up or not.
		if port, ok := strings.CutPrefix(address, "localhost:"); ok {
			address = net.JoinHostPort("127.0.0.1", port)
		}
		network := "tcp"
		if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Is4() {
			network = "tcp4" // or the wildcard would listen on IPv6 as well
		}
		return net.Listen(network, address)
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("listen unix %s: another program serves this socket", path)
	}
	_ = os.Remove(path)
	return net.Listen("unix", path)
}

// quietly logs what net/http has to say about connections at debug level: it is
// about clients that hang up or speak no TLS, and there can be many.
type quietly struct{ log *slog.Logger }

func (q quietly) Write(p []byte) (int, error) {
	q.log.Debug("connection", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
