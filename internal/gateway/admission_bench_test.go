package gateway_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tollgate/internal/gateway"
	"tollgate/internal/provider"
)

// BenchmarkAdmission is a request from its key to the end of its charge, with a
// provider that answers at once: over four limits with the real books, the journal in
// memory, and the same without a limit.
func BenchmarkAdmission(b *testing.B) {
	for _, c := range []struct{ name, key string }{{"four limits", carolKey}, {"no limits", aliceKey}} {
		b.Run(c.name, func(b *testing.B) {
			s := newBank(b, roomy(), nil, whole(200, good))
			defer s.stop()
			s.limits[2].Amount = 1 << 40
			s.journal.forget = true
			s.gateway = s.remake(nobody{})
			s.target.Transport = instantly{}
			header := gateway.Header{"Authorization": {"Bearer " + c.key}}
			b.ReportAllocs()
			for b.Loop() {
				header.Set("Authorization", "Bearer "+c.key)
				req := &gateway.Request{
					Received: time.Now(), Address: "a", Method: "POST", Scheme: "http", Host: "gw.example", Path: chatPath, Proto: "HTTP/1.1",
					RemoteAddr: "192.0.2.7:1234", Header: header, Body: strings.NewReader(chatBody), Length: int64(len(chatBody)),
				}
				out := &caughtAnswer{header: gateway.Header{}}
				s.gateway.Serve(context.Background(), req, out)
				if out.status != 200 {
					b.Fatal(out.text())
				}
			}
		})
	}
}

type nobody struct{}

func (nobody) Record(*gateway.Exchange) {}

type instantly struct{}

func (instantly) Send(context.Context, *provider.Request) (*provider.Response, error) {
	return whole(200, good)(nil)
}
