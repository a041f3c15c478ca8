package lean_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/lean"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/standard"
)

// The answers are as a provider's: some twenty header lines, and a JSON object
// or sixty-four events.
var (
	answerHead = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
		strings.Repeat("X-Ratelimit-Something: 1000000\r\n", 16)
	jsonAnswer   = answerHead + "Content-Length: 1024\r\n\r\n" + strings.Repeat("j", 1024)
	streamAnswer = answerHead + "Transfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("42\r\ndata: "+strings.Repeat("e", 58)+"\n\n\r\n", 64) + "0\r\n\r\n"
)

// bodySize is the size of each request's body in bytes.
const bodySize = 1024

// provide answers every request with s, as cheaply as can be.
func provide(b *testing.B, ln net.Listener, s string) {
	b.Helper()
	b.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) > len("\r\n") {
						continue
					}
					if _, err := in.Discard(bodySize); err != nil {
						return
					}
					if _, err := io.WriteString(c, s); err != nil {
						return
					}
				}
			}()
		}
	}()
}

func benchmark(b *testing.B, tr provider.Transport, e *provider.Endpoint) {
	static, err := provider.StaticFields(provider.Header{
		{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "*/*"},
		{Name: "User-Agent", Value: "tollgate"},
	})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat("q", bodySize))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		scratch := make([]byte, 32<<10)
		for pb.Next() {
			ctx, cancel := context.WithCancel(context.Background())
			resp, err := tr.Send(ctx, &provider.Request{
				Endpoint: e, Method: "POST", Target: "/v1/chat/completions", Host: "api.example.com",
				Static: static, Body: body,
				Header: provider.Header{{Name: "Authorization", Value: "Bearer none"}, {Name: "X-Request-Id", Value: "1"}},
			})
			if err != nil {
				b.Error(err)
				cancel()
				return
			}
			for err == nil {
				_, err = resp.Body.Read(scratch)
			}
			if err != io.EOF {
				b.Error(err)
			}
			_ = resp.Body.Close()
			cancel()
		}
	})
}

// BenchmarkSend compares exchanges over loopback, the server included.
func BenchmarkSend(b *testing.B) {
	ca := providertest.NewAuthority(b)
	for _, answer := range []struct{ name, wire string }{{"json", jsonAnswer}, {"stream", streamAnswer}} {
		for _, scheme := range []string{"http", "https"} {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			o := provider.EndpointOptions{}
			url := scheme + "://" + ln.Addr().String()
			if scheme == "https" {
				ln = tls.NewListener(ln, ca.Server(b))
				o.RootCAs = ca.PEM
			}
			provide(b, ln, answer.wire)
			e, err := provider.NewEndpoint(url, o)
			if err != nil {
				b.Fatal(err)
			}
			l, s := lean.New(), standard.New()
			b.Run(answer.name+"/"+scheme+"/lean", func(b *testing.B) { benchmark(b, l, e) })
			b.Run(answer.name+"/"+scheme+"/standard", func(b *testing.B) { benchmark(b, s, e) })
			l.Close()
			s.Close()
		}
	}
}
