package script

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tollgate/test/upstream"
)

// chatBody is what -chat sends.
const chatBody = `{"model":"gpt-3.5-turbo","messages":[{"role":"user","content":"Hello!"}]}`

// call is a request that a script asks for.
type call struct {
	status int
	method string
	url    string
	header http.Header
	body   []byte
	form   [][2]string // name and text, or name and @FILE
	client *http.Client
	// For waitfor: what the answer, or the request that a provider saw, must match.
	answer, sent *regexp.Regexp
	provider     *upstream.Server
}

// parseCall reads STATUS [flags] METHOD URL. Flags: -H 'Name: value', -d BODY or
// -d @FILE, -chat (a small chat request), -key KEY (bearer), -form NAME=VALUE or
// NAME=@FILE, -ca FILE, and for waitfor -body REGEXP and -sent UPSTREAM:REGEXP.
func parseCall(ts *testscript.TestScript, w *world, args []string) (*call, error) {
	c := &call{header: http.Header{}, client: w.client}
	if len(args) < 3 {
		return nil, errUsage
	}
	if _, err := fmt.Sscan(args[0], &c.status); err != nil {
		return nil, fmt.Errorf("%w: status %q", errUsage, args[0])
	}
	for args = args[1:]; len(args) > 0 && strings.HasPrefix(args[0], "-"); {
		flag := args[0]
		args = args[1:]
		if flag == "-chat" {
			c.body = []byte(chatBody)
			c.header.Set("Content-Type", "application/json")
			continue
		}
		if len(args) == 0 {
			return nil, errUsage
		}
		if err := c.flag(ts, w, flag, args[0]); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	if len(args) != 2 {
		return nil, errUsage
	}
	c.method, c.url = args[0], args[1]
	if c.form != nil {
		return c, c.multipart(ts)
	}
	return c, nil
}

// flag takes in one flag with its value.
func (c *call) flag(ts *testscript.TestScript, w *world, flag, value string) error {
	switch flag {
	case "-H", "-form":
		separator := map[string]string{"-H": ":", "-form": "="}[flag]
		name, text, ok := strings.Cut(value, separator)
		if !ok {
			return fmt.Errorf("%w: %s %q", errUsage, flag, value)
		}
		if flag == "-H" {
			c.header.Add(name, strings.TrimSpace(text))
		} else {
			c.form = append(c.form, [2]string{name, text})
		}
	case "-key":
		c.header.Set("Authorization", "Bearer "+value)
	case "-d":
		c.body = []byte(value)
		if file, ok := strings.CutPrefix(value, "@"); ok {
			c.body = []byte(strings.TrimSuffix(ts.ReadFile(file), "\n"))
		}
		if c.header.Get("Content-Type") == "" {
			c.header.Set("Content-Type", "application/json")
		}
	case "-ca":
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(ts.ReadFile(value)))
		c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true}}
	case "-body", "-sent":
		return c.condition(w, flag, value)
	default:
		return fmt.Errorf("%w: flag %s", errUsage, flag)
	}
	return nil
}

// condition reads what waitfor waits for besides the status.
func (c *call) condition(w *world, flag, value string) error {
	pattern := value
	if flag == "-sent" {
		var name string
		name, pattern, _ = strings.Cut(value, ":")
		if c.provider = w.upstreams[name]; c.provider == nil {
			return fmt.Errorf("%w: no upstream %q", errUsage, name)
		}
	}
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if flag == "-sent" {
		c.sent = re
	} else {
		c.answer = re
	}
	return nil
}

// met reports what is missing of what waitfor waits for.
func (c *call) met(status int, body []byte) error {
	if status != c.status {
		return fmt.Errorf("status %d, want %d: %s", status, c.status, body)
	}
	if c.answer != nil && !c.answer.Match(body) {
		return fmt.Errorf("the answer does not match %v: %s", c.answer, body)
	}
	if c.sent == nil {
		return nil
	}
	all := c.provider.Requests()
	if len(all) == 0 || !c.sent.MatchString(all[len(all)-1].String()) {
		return fmt.Errorf("the last of %d requests that the provider saw does not match %v", len(all), c.sent)
	}
	return nil
}

// multipart makes the body from the fields of the form.
func (c *call) multipart(ts *testscript.TestScript) error {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, field := range c.form {
		file, isFile := strings.CutPrefix(field[1], "@")
		part, err := m.CreateFormField(field[0])
		text := field[1]
		if isFile {
			part, err = m.CreateFormFile(field[0], file)
			text = ts.ReadFile(file)
		}
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, text); err != nil {
			return err
		}
	}
	if err := m.Close(); err != nil {
		return err
	}
	c.header.Set("Content-Type", m.FormDataContentType())
	c.body = b.Bytes()
	return nil
}

// do sends the request; the caller closes the body.
func (c *call) do(ctx context.Context) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	req.Header = c.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return c.client.Do(req)
}

// head gives status and headers in the shape in which they travel.
func head(resp *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", resp.Proto, resp.Status)
	_ = resp.Header.Write(&b) // a strings.Builder cannot fail
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

// http STATUS [flags] METHOD URL sends a request. The body of the answer becomes
// standard output, its head standard error. Trailers are part of the head.
func cmdHTTP(ts *testscript.TestScript, w *world, args []string) error {
	c, err := parseCall(ts, w, args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := c.do(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, readErr := io.ReadAll(resp.Body)
	_, _ = ts.Stdout().Write(body)
	_, _ = io.WriteString(ts.Stderr(), head(resp))
	for name, values := range resp.Trailer {
		_, _ = fmt.Fprintf(ts.Stderr(), "%s: %s\n", name, strings.Join(values, ", "))
	}
	if resp.StatusCode != c.status {
		return fmt.Errorf("status %d, want %d", resp.StatusCode, c.status)
	}
	if readErr != nil {
		return fmt.Errorf("the answer broke off: %w", readErr)
	}
	return nil
}

// obey STATUS [flags] METHOD URL waits exactly as long as the last answer asked for
// (Retry-After-Ms) and sends a request, as http does.
func cmdObey(ts *testscript.TestScript, w *world, args []string) error {
	told := regexp.MustCompile(`(?m)^Retry-After-Ms: (\d+)$`).FindStringSubmatch(ts.ReadFile("stderr"))
	if told == nil {
		return errors.New("the last answer does not say when to come again")
	}
	wait, err := time.ParseDuration(told[1] + "ms")
	if err != nil || wait > patience {
		return fmt.Errorf("the last answer asks to wait for %v, %w", wait, err)
	}
	<-time.After(wait)
	return cmdHTTP(ts, w, args)
}

// waitfor STATUS [flags] METHOD URL sends a request until the answer has the
// status and whatever else the flags ask for.
func cmdWaitFor(ts *testscript.TestScript, w *world, args []string) error {
	c, err := parseCall(ts, w, args)
	if err != nil {
		return err
	}
	var body []byte
	err = eventually(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		resp, err := c.do(ctx)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if body, err = io.ReadAll(resp.Body); err != nil {
			return err
		}
		return c.met(resp.StatusCode, body)
	})
	_, _ = ts.Stdout().Write(body)
	return err
}

// stream is a request whose answer is read in the background.
type stream struct {
	cancel context.CancelFunc
	done   chan struct{}
	head   string

	mu   sync.Mutex
	body bytes.Buffer
	err  error
}

func (s *stream) read(body io.ReadCloser) {
	defer close(s.done)
	defer body.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		s.mu.Lock()
		s.body.Write(buf[:n])
		if err != nil && !errors.Is(err, io.EOF) {
			s.err = err
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *stream) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body.String()
}

// stream open NAME STATUS [flags] METHOD URL sends a request and reads its answer in
// the background; stream saw NAME REGEXP waits for what was received to match;
// stream close NAME leaves; stream end NAME waits for the end (which must be
// orderly) and gives body and head as http does.
func cmdStream(ts *testscript.TestScript, w *world, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	verb, name, rest := args[0], args[1], args[2:]
	if verb == "open" {
		return openStream(ts, w, name, rest)
	}
	s := w.streams[name]
	if s == nil {
		return fmt.Errorf("%w: no stream %q", errUsage, name)
	}
	switch verb {
	case "saw":
		if len(rest) != 1 {
			return errUsage
		}
		re, err := regexp.Compile(rest[0])
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		return eventually(func() error {
			if text := s.text(); !re.MatchString(text) {
				return fmt.Errorf("nothing received matches %q:\n%s", rest[0], text)
			}
			return nil
		})
	case "close":
		s.cancel()
		<-s.done
		return nil
	case "end":
		select {
		case <-s.done:
		case <-time.After(patience):
			return fmt.Errorf("the stream has not ended within %v:\n%s", patience, s.text())
		}
		_, _ = io.WriteString(ts.Stdout(), s.text())
		_, _ = io.WriteString(ts.Stderr(), s.head)
		return s.err
	}
	return errUsage
}

func openStream(ts *testscript.TestScript, w *world, name string, args []string) error {
	c, err := parseCall(ts, w, args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{cancel: cancel, done: make(chan struct{})}
	w.streams[name] = s
	timer := time.AfterFunc(patience, cancel) // bounds the wait for the head only
	resp, err := c.do(ctx)
	timer.Stop()
	if err != nil {
		close(s.done)
		return err
	}
	s.head = head(resp)
	go s.read(resp.Body)
	if resp.StatusCode != c.status {
		return fmt.Errorf("status %d, want %d", resp.StatusCode, c.status)
	}
	return nil
}

// raw STATUS ADDR FILE sends the bytes of a file on a connection, with \n as \r\n, and
// reads until the other side closes or says nothing more. Status 0: closed
// without an answer.
func cmdRaw(ts *testscript.TestScript, _ *world, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	conn, err := net.DialTimeout("tcp", args[1], patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	text := ts.ReadFile(args[2])
	if !strings.HasSuffix(text, "\n\n") { // a body that ends with the file, not a chunked one
		text = strings.TrimSuffix(text, "\n")
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	_, _ = ts.Stdout().Write(answer)
	if err != nil {
		return fmt.Errorf("the connection was not closed (send Connection: close): %w", err)
	}
	got := "0"
	if fields := strings.Fields(string(answer)); len(fields) > 1 {
		got = fields[1]
	}
	if got != args[0] {
		return fmt.Errorf("status %s, want %s", got, args[0])
	}
	return nil
}
