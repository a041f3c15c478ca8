package simulated_test

import (
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"tollgate/internal/provider"
)

func TestEmbeddings(t *testing.T) {
	p := newProvider()
	_, body := post(t, p, "/v1/embeddings", `{"model":"m","input":["a b","","a b"],"dimensions":3}`)
	expect(t, body, "usage.prompt_tokens", 4)
	expect(t, body, "data.2.index", 2)
	var sum float64
	for i := range 3 {
		here := at(t, body, "data.0.embedding."+strconv.Itoa(i)).(float64)
		expect(t, body, "data.2.embedding."+strconv.Itoa(i), here)
		sum += here * here
	}
	if math.Abs(sum-1) > 1e-4 || at(t, body, "data.0.embedding.3") != nil {
		t.Errorf("the vector's length is %v", math.Sqrt(sum))
	}
	if at(t, body, "data.1.embedding.0") == at(t, body, "data.0.embedding.0") {
		t.Error("two texts have the same vector")
	}
	_, body = post(t, p, "/v1/embeddings", `{"model":"m","input":[1,2,3],"encoding_format":"base64"}`)
	expect(t, body, "usage.prompt_tokens", 3)
	if v := at(t, body, "data.0.embedding").(string); len(v) != (256*4+2)/3*4 || at(t, body, "data.1") != nil {
		t.Errorf("%d characters", len(v))
	}
	for _, bad := range []string{`{"model":"m"}`, `{"model":"m","input":[]}`, `{"model":"m","input":"a","dimensions":0}`, `{"model":"m","input":"a","dimensions":"x"}`} {
		if res, _ := post(t, p, "/v1/embeddings", bad); res.Status != 400 {
			t.Errorf("%s: status %d", bad, res.Status)
		}
	}
}

func TestOthers(t *testing.T) {
	p := newProvider()
	_, body := post(t, p, "/v1/models", ``)
	expect(t, body, "data.0.id", "simulated")
	_, body = post(t, p, "/v1/models/simulated", ``)
	expect(t, body, "id", "simulated")
	_, body = post(t, p, "/v1/models/x", ``)
	expect(t, body, "error.code", "model_not_found")
	_, body = post(t, p, "/v1/moderations", `{"input":["a","b"]}`)
	expect(t, body, "results.1.flagged", false)
	expect(t, body, "results.1.category_scores.violence", 0)
	expect(t, body, "results.1.categories.hate/threatening", false)
	_, body = post(t, p, "/v1/images/generations", `{"prompt":"x","n":2}`)
	if s, _ := at(t, body, "data.1.b64_json").(string); !strings.HasPrefix(s, "iVBOR") {
		t.Errorf("image %q", s)
	}
	_, body = post(t, p, "/v2/rerank", `{"model":"m","query":"red fish","documents":["a cow","red fish",{"text":"Fish"}],"top_n":2}`)
	expect(t, body, "results.0.index", 1)
	expect(t, body, "results.0.relevance_score", 1)
	expect(t, body, "results.1.index", 2)
	expect(t, body, "results.2", nil)
	expect(t, body, "meta.billed_units.search_units", 1)
	res, body := post(t, p, "/v1/audio/speech", `{"model":"m","input":"x"}`)
	if res.Header.Get("Content-Type") != "audio/wav" || len(body) != 44 {
		t.Errorf("%d bytes of %v", len(body), res.Header)
	}
}

func TestTranscription(t *testing.T) {
	form := func(format string) *provider.Request {
		const b = "--b\r\nContent-Disposition: form-data; name="
		body := b + "\"file\"; filename=\"a\"\r\n\r\n" + strings.Repeat("x", 1024) + "\r\n" + b + "\"model\"\r\n\r\nm\r\n" + format + "--b--\r\n"
		return &provider.Request{
			Method: "POST", Target: "/v1/audio/transcriptions", Stream: strings.NewReader(body),
			Static: "Authorization: x\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		}
	}
	field := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for format, want := range map[string]string{
		"":                              `{"text":"This is a simulated transcription of `,
		field("response_format", "srt"): "This is a simulated transcription of ",
		field("stream", "true"):         `data: {"type":"transcript.text.delta","delta":"This "}` + "\n\n",
	} {
		res, err := newProvider().Send(t.Context(), form(format))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasPrefix(string(body), want) {
			t.Errorf("%q: got %q, %v", format, body, err)
		}
		switch {
		case format == "":
			expect(t, string(body), "usage.input_tokens", 2)
			expect(t, string(body), "usage.output_tokens", 8)
		case strings.Contains(format, "stream"):
			all := events(t, string(body))
			expect(t, all[len(all)-1].data, "type", "transcript.text.done")
			expect(t, all[len(all)-1].data, "usage.total_tokens", 10)
		}
	}
}
