package sqlite

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// fillDoc sets every field there is, each to something else.
func fillDoc(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, *n, 1, 2, 3, 456_000_000+*n, time.UTC)))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.MustParsePrefix(fmt.Sprintf("2001:db8::%x/%d", *n, 100+*n%28))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("a text, {%d}: [1] ü", *n))
	case reflect.Int64:
		v.SetInt(-int64(*n) << 40)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fillDoc(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillDoc(v.Index(0), n)
		fillDoc(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"b": fmt.Sprint(*n), "a": "", "": "x"}))
	default:
		panic("a document has a field of a kind that nobody fills: " + v.Type().String())
	}
}

// TestDocumentsAreScanned: whatever a document of a key can hold is read by the scanner as by what reads all
// JSON, but for escapes, for which it gives up.
func TestDocumentsAreScanned(t *testing.T) {
	full, n := keyDoc{}, 0
	fillDoc(reflect.ValueOf(&full).Elem(), &n)
	empty := keyDoc{Allow: []string{}, Operations: []string{}, Networks: []netip.Prefix{}, Labels: map[string]string{}}
	escaped := full
	escaped.Name = "he said \"no\" \\ left\n"
	var dec decoder // keeps nothing of one for the next
	for _, c := range []struct {
		doc     keyDoc
		scanned bool
	}{{full, true}, {keyDoc{}, true}, {empty, true}, {escaped, false}} {
		text, err := json.Marshal(&c.doc, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		var want, got keyDoc
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if scanned := scanKey(string(text), &got); scanned != c.scanned {
			t.Errorf("%t for %s", scanned, text)
		}
		if c.scanned && !reflect.DeepEqual(got, want) {
			t.Errorf("%s was read as\n%+v, not\n%+v", text, got, want)
		}
		read, err := dec.document(sealed(text))
		if len(want.Limits) == 0 {
			want.Limits, want.Secrets = read.Limits[:0], read.Secrets[:0]
		}
		if err != nil || !reflect.DeepEqual(*read, want) {
			t.Errorf("%s was read as\n%+v, not\n%+v (%v)", text, read, want, err)
		}
	}
}

// TestWhatIsNoDocument is not taken for one by the scanner, nor does it read on for ever.
func TestWhatIsNoDocument(t *testing.T) {
	full, n := keyDoc{}, 0
	fillDoc(reflect.ValueOf(&full).Elem(), &n)
	text, err := json.Marshal(&full, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	whole := string(text)
	for _, wrong := range []string{
		whole + " ", whole + "}", strings.Replace(whole, `"legacy":true`, `"legacy":false`, 1), strings.Replace(whole, `"legacy"`, `"other"`, 1),
		strings.Replace(whole, "2026-", "x", 1), strings.Replace(whole, "2001:", "z", 1), strings.Replace(whole, `"max_tokens":-`, `"max_tokens":--`, 1), strings.Replace(whole, `,"name"`, `;"name"`, 1),
	} {
		if scanKey(wrong, &keyDoc{}) {
			t.Errorf("it takes %s", wrong)
		}
	}
	for i := range whole {
		if scanKey(whole[:i], &keyDoc{}) {
			t.Errorf("it takes %s", whole[:i])
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	doc := keyDoc{
		ID: "key_WPmEfI1De1XU", Name: "customer 17 of Berlin", Origin: "managed", Status: "active", CreatedAt: time.Unix(1, 0).UTC(), ExpiresAt: time.Unix(1e10, 0).UTC(),
		Labels:  map[string]string{"team": "team-17", "env": "production"},
		Secrets: []secretDoc{{ID: "sec_1", Digest: strings.Repeat("0a", 32), CreatedAt: time.Unix(1, 0).UTC()}},
	}
	for i := range 3 {
		doc.Limits = append(doc.Limits, limitDoc{ID: fmt.Sprint("lim_TGnzd7I2KKs", i), Kind: "cost", Amount: 200_000_000_000, Window: "month UTC"})
	}
	text, err := json.Marshal(&doc, json.Deterministic(true))
	if err != nil {
		b.Fatal(err)
	}
	row := &keyRow{doc: sealed(text)}
	var dec decoder
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dec.key(row); err != nil {
			b.Fatal(err)
		}
	}
}
