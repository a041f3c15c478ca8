package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"tollgate/internal/provider"
)

// reuseCases are about what becomes of connections, and about sending twice.
var reuseCases = []testCase{
	{"one after the other", func(b *bench) {
		s := serve(b.T, answer(ok2))
		e := b.endpoint(s)
		for i := range 10 {
			if reused := b.ask(post(e), "ok"); reused != (i > 0) {
				b.Errorf("request %d: reused %t", i, reused)
			}
		}
	}},
	{"equal endpoints share connections", func(b *bench) {
		s := serve(b.T, answer(ok2))
		b.ask(post(b.endpoint(s)), "ok")
		if !b.ask(post(b.endpoint(s)), "ok") {
			b.Error("an equal endpoint has connections of its own")
		}
	}},
	{"other settings, other connections", func(b *bench) {
		s := serve(b.T, answer(ok2), answer(ok2))
		b.ask(post(b.endpoint(s)), "ok")
		other := b.endpointAt("http://"+s.addr, provider.EndpointOptions{MaxIdle: 7})
		if b.ask(post(other), "ok") {
			b.Error("another endpoint got the connection")
		}
	}},
	{"a dead idle connection is not used", func(b *bench) {
		s := serve(b.T, answerOnce(ok2), answer(ok2))
		e := b.endpoint(s)
		b.ask(get(e), "ok")
		if b.ask(get(e), "ok") {
			b.Error("the dead connection was used")
		}
	}},
	{"bytes after the answer end the connection", func(b *bench) {
		ended := make(chan struct{})
		s := serve(b.T, func(p *peer) {
			answerThenGone(ok2 + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")(p)
			close(ended)
		}, answer(ok2))
		e := b.endpoint(s)
		b.ask(post(e), "ok")
		b.await("the end of the connection", ended)
		b.ask(post(e), "ok")
	}},
	{"a request is not repeated", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write(ok2)
			p.read() // and dies
		})
		e := b.endpoint(s)
		b.ask(post(e), "ok")
		b.failsFast(b.attempt(b.ctx, post(e)), provider.Await)
	}},
	{"a replayable request is repeated", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write(ok2)
			p.read() // and dies
		}, answer(ok2))
		req := post(b.endpoint(s))
		req.Replayable = true
		b.ask(req, "ok")
		if b.ask(req, "ok") {
			b.Error("it was answered on the dead connection")
		}
	}},
	{"nothing is repeated once there are bytes", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write(ok2)
			p.read()
			p.write("HTTP/1.1 2")
		})
		e := b.endpoint(s)
		b.ask(get(e), "ok")
		b.failsFast(b.attempt(b.ctx, get(e)), provider.Read)
	}},
	{"nothing is repeated on a fresh connection", func(b *bench) {
		s := serve(b.T, func(p *peer) { p.read() })
		b.failsFast(b.attempt(b.ctx, get(b.endpoint(s))), provider.Await)
	}},
	{"a body closed early ends the connection", func(b *bench) {
		ended := make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
			p.gone()
			close(ended)
		}, answer(ok2))
		e := b.endpoint(s)
		resp := b.must(post(e))
		if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		b.await("the end of the connection", ended)
		if b.ask(post(e), "ok") {
			b.Error("the connection was used again")
		}
	}},
	{"many at once", func(b *bench) {
		s := serveAll(b.T, echo)
		e := b.endpoint(s)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 25 {
					req := post(e)
					req.Body = []byte(strings.Repeat(strconv.Itoa(g*100+i)+" ", 1+i*17))
					resp, err := b.Send(b.ctx, req)
					if err != nil {
						b.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					if err != nil || !bytes.Equal(got, req.Body) {
						b.Errorf("got %.40q and %v, want %.40q", got, err, req.Body)
					}
				}
			})
		}
		wg.Wait()
	}},
}

// endCases are about ends before the end: refused, reset, cancelled, too late.
var endCases = []testCase{
	{"refused", func(b *bench) {
		ln := listen(b.T)
		_ = ln.Close()
		e := b.endpointAt("http://"+ln.Addr().String(), provider.EndpointOptions{})
		b.failsFast(b.attempt(b.ctx, post(e)), provider.Connect)
	}},
	{"unknown host", func(b *bench) {
		e := b.endpointAt("http://tollgate.invalid", provider.EndpointOptions{})
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		b.fails(b.attempt(ctx, post(e)), provider.Connect)
	}},
	{"reset before the answer", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.read()
			p.reset()
		})
		b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Await)
	}},
	{"reset in the answer", func(b *bench) {
		taken := make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")
			<-taken
			p.reset()
		})
		resp := b.must(post(b.endpoint(s)))
		if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
			b.Fatal(err)
		}
		close(taken)
		_, err := io.ReadAll(resp.Body)
		b.failsFast(err, provider.Read)
	}},
	{"reset in the request", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.head()
			p.reset()
		})
		req := post(b.endpoint(s))
		req.Body = make([]byte, 16<<20)
		b.failsFast(b.attempt(b.ctx, req), provider.Write)
	}},
	{"answered before the request is over", func(b *bench) {
		s := serve(b.T, func(p *peer) {
			p.head()
			p.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
			p.gone()
		})
		for _, streamed := range []bool{false, true} {
			s := s
			if streamed {
				s = serve(b.T, func(p *peer) {
					p.head()
					p.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
					p.gone()
				})
			}
			req := post(b.endpoint(s))
			req.Body = make([]byte, 16<<20)
			if streamed {
				req.Stream, req.Length = bytes.NewReader(req.Body), int64(len(req.Body))
			}
			resp := b.must(req)
			if got := b.text(resp); resp.Status != 413 || got != "big" {
				b.Errorf("status %d, body %q", resp.Status, got)
			}
		}
	}},
	{"bytes come as they are sent", func(b *bench) {
		next := make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.read()
			p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range 20 {
				p.write("9\r\ndata: a\n\n\r\n")
				<-next
			}
			p.write("0\r\n\r\n")
		})
		resp := b.must(post(b.endpoint(s)))
		buf := make([]byte, 64<<10)
		for range 20 {
			if n, err := resp.Body.Read(buf); err != nil || string(buf[:n]) != "data: a\n\n" {
				b.Fatalf("read %q, %v", buf[:n], err)
			}
			next <- struct{}{}
		}
		if n, err := resp.Body.Read(buf); n != 0 || err != io.EOF {
			b.Errorf("at the end: %d bytes, %v", n, err)
		}
	}},
	{"over before it began", func(b *bench) {
		s := serve(b.T)
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		failed := b.fails(b.attempt(ctx, post(b.endpoint(s))), provider.Connect)
		if !errors.Is(failed, context.Canceled) || failed.Timeout {
			b.Errorf("error %v, timeout %t", failed, failed.Timeout)
		}
	}},
	{"cancelled before the answer", func(b *bench) {
		asked, ended := make(chan struct{}), make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.read()
			close(asked)
			p.gone()
			close(ended)
		})
		ctx, cancel := context.WithCancel(b.ctx)
		defer cancel()
		go func() {
			<-asked
			cancel()
		}()
		failed := b.fails(b.attempt(ctx, post(b.endpoint(s))), provider.Await)
		if !errors.Is(failed, context.Canceled) || failed.Timeout {
			b.Errorf("error %v, timeout %t", failed, failed.Timeout)
		}
		b.await("the end of the connection", ended)
	}},
	{"cancelled in the request", func(b *bench) {
		asked, ended := make(chan struct{}), make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.head()
			close(asked)
			<-ended
		})
		ctx, cancel := context.WithCancel(b.ctx)
		defer cancel()
		go func() {
			<-asked
			cancel()
		}()
		req := post(b.endpoint(s))
		req.Body = make([]byte, 16<<20)
		failed := b.fails(b.attempt(ctx, req), provider.Write)
		if !errors.Is(failed, context.Canceled) {
			b.Errorf("error %v", failed)
		}
		close(ended)
	}},
	{"cancelled in a blocked read", func(b *bench) { b.cancelMidway(true) }},
	{"cancelled while nobody reads", func(b *bench) { b.cancelMidway(false) }},
	{"the deadline passes before the answer", func(b *bench) {
		s := serve(b.T, func(p *peer) { p.gone() })
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Millisecond)
		defer cancel()
		failed := b.fails(b.attempt(ctx, post(b.endpoint(s))), provider.Await)
		if !errors.Is(failed, context.DeadlineExceeded) || !failed.Timeout {
			b.Errorf("error %v, timeout %t", failed, failed.Timeout)
		}
	}},
	{"a deadline of the caller's own passes in the answer", func(b *bench) {
		s := serve(b.T, answerThenGone("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"))
		ctx, cancel := context.WithCancelCause(b.ctx)
		defer cancel(nil)
		resp, err := b.Send(ctx, post(b.endpoint(s)))
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
			b.Fatal(err)
		}
		cancel(lateError{})
		_, err = resp.Body.Read(make([]byte, 10))
		if failed := b.fails(err, provider.Read); !errors.Is(failed, lateError{}) || !failed.Timeout {
			b.Errorf("error %v, timeout %t", failed, failed.Timeout)
		}
	}},
	{"a deadline of the caller's own passes before the answer", func(b *bench) {
		asked := make(chan struct{})
		s := serve(b.T, func(p *peer) {
			p.read()
			close(asked)
			p.gone()
		})
		ctx, cancel := context.WithCancelCause(b.ctx)
		defer cancel(nil)
		late := lateError{}
		go func() {
			<-asked
			cancel(late)
		}()
		failed := b.fails(b.attempt(ctx, post(b.endpoint(s))), provider.Await)
		if !errors.Is(failed, late) || !failed.Timeout {
			b.Errorf("error %v, timeout %t", failed, failed.Timeout)
		}
	}},
}

// lateError is a time-out that a caller has measured itself.
type lateError struct{}

func (lateError) Error() string { return "the answer is late" }
func (lateError) Timeout() bool { return true }

// cancelMidway cancels after the first bytes of an answer: the server has to
// see it, whatever the client does.
func (b *bench) cancelMidway(reading bool) {
	ended := make(chan struct{})
	s := serve(b.T, func(p *peer) {
		p.read()
		p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		p.gone()
		close(ended)
	})
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	resp, err := b.Send(ctx, post(b.endpoint(s)))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
		b.Fatal(err)
	}
	if !reading {
		cancel()
		b.await("the end of the connection", ended)
	} else {
		go cancel()
	}
	_, err = resp.Body.Read(make([]byte, 10))
	failed := b.fails(err, provider.Read)
	if !errors.Is(failed, context.Canceled) || failed.Timeout {
		b.Errorf("error %v, timeout %t", failed, failed.Timeout)
	}
	b.await("the end of the connection", ended)
}
