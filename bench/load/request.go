package load

import (
	"crypto/sha256"
	"fmt"
)

// Keys gives n virtual keys, the same ones each time.
func Keys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		sum := sha256.Sum256(fmt.Appendf(nil, "bench key %d", i))
		keys[i] = fmt.Sprintf("sk-bench-%04d-%x", i, sum[:16])
	}
	return keys
}

// Requests gives one chat completion request for each key. A stream is asked
// for as most clients do it: without stream_options, so that the gateway has to
// ask for the usage and to hide it.
func Requests(host, model string, stream bool, keys []string) [][]byte {
	requests := make([][]byte, len(keys))
	for i, key := range keys {
		body := Body(model, stream)
		requests[i] = fmt.Appendf(nil, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nUser-Agent: tollgate-bench\r\n"+
			"Accept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			host, key, len(body), body)
	}
	return requests
}

// Body is the JSON text of one chat completion request.
func Body(model string, stream bool) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"system","content":"You are a helpful assistant who answers briefly and says so when unsure."},`+
		`{"role":"user","content":"Which rivers cross more than three countries, and which of them is the longest? Give the countries in order, from source to mouth."}],`+
		`"temperature":0.2,"max_tokens":256,"stream":%v}`, model, stream)
}
