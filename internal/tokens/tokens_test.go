package tokens_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tollgate/internal/tokens"
)

const english = `A harbour master once counted every ship by its lamps. On foggy nights he counted the bells instead,
and on the quietest night of the year he counted nothing at all, wrote a nought into the ledger and slept. In the
morning the quay was full of ships that had come in dark and silent, and nobody ever believed his books again.
He kept them anyway; "a wrong number," he liked to say, "is still a number, and a missing one is a hole in 1847."
Understanding came slowly, and unfortunately the administration's representatives were extraordinarily impatient.`

const chinese = `港口的主人每天晚上数船上的灯。有雾的夜里，他改为数钟声；一年中最安静的那个夜晚，他什么也没有数到，
于是在账本上写了一个零，然后去睡觉。第二天早上，码头上停满了悄悄驶入的船，从此再也没有人相信他的账本。`

const russian = `Начальник порта каждую ночь считал корабли по огням. В туманные ночи он считал удары колокола, а в самую
тихую ночь года не насчитал ничего, записал в книгу ноль и лёг спать. Утром причал был полон кораблей.`

// The estimate must stay near the truth on what people send, and above it
// rather than below.
func TestEstimateAgainstVocabulary(t *testing.T) {
	source, err := os.ReadFile("estimate.go")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		ID     int      `json:"id"`
		Name   string   `json:"name"`
		Price  float64  `json:"price"`
		Labels []string `json:"labels"`
	}
	var rows []row
	for i := range 30 {
		rows = append(rows, row{i * 137, "harbour light", float64(i) * 1.25, []string{"north", "quay_" + strings.Repeat("x", i%3)}})
	}
	compact, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	indented, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		low, high  float64
	}{
		{"english", english, 0.97, 1.4},
		{"code", string(source), 0.97, 1.4},
		{"compact JSON", string(compact), 0.97, 1.5},
		{"indented JSON", string(indented), 0.97, 1.5},
		{"chinese", chinese, 0.97, 1.5},
		{"russian", russian, 0.97, 1.8},
		{"emoji", "🚢🚢 a ship 🌫️ in fog ⚓", 0.8, 2},
	}
	for _, tt := range tests {
		truth := tokens.Count("gpt-4o", tt.text)
		ratio := float64(tokens.Estimate([]byte(tt.text))) / float64(truth)
		t.Logf("%-14s %.2f of %d tokens", tt.name, ratio, truth)
		if ratio < tt.low || ratio > tt.high {
			t.Errorf("%s: %.2f, want %.2f to %.2f", tt.name, ratio, tt.low, tt.high)
		}
	}
}

func TestEstimate(t *testing.T) {
	tests := []struct {
		text string
		want int64
	}{
		{"", 0},
		{"a", 1},
		{" dog", 1},             // the space belongs to the word
		{"dog dog", 2},          //
		{"camelCaseName", 3},    // a piece at each change to upper case
		{"HTTP", 1},             // capitals by four
		{"HTTPSERVER", 3},       //
		{"incomprehensible", 2}, // long words more than once
		{"12345678", 3},         // digits by three
		{"a 1", 3},              // no number takes the space before it
		{"{}", 2},               // punctuation one each
		{"--------", 2},         // a ruler by four
		{"a\n\n   b", 3},        // white space merges
		{"船船", 2},               // ideographs one each
		{"🚢", 3},                // an emoji two and a half
		{"🚢🚢", 5},               //
		{"тихую", 2},            // letters of other alphabets by three
		{"\xff\xfe", 2},         // what is no text, one a byte
	}
	for _, tt := range tests {
		if got := tokens.Estimate([]byte(tt.text)); got != tt.want {
			t.Errorf("%q: %d, want %d", tt.text, got, tt.want)
		}
	}
	text := []byte(english)
	if n := testing.AllocsPerRun(10, func() { tokens.Estimate(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		model, text string
		want        int64
	}{
		{"gpt-4o", "", 0},
		{"gpt-4o", "hello world", 2},
		{"gpt-4", "hello world", 2},
		{"gpt-4o", "港口的主人", 4},
		{"openai/gpt-4.1-mini", "港口的主人", 4},
		{"claude-sonnet-5", "港口的主人", 4},
		{"", "港口的主人", 4},
		{"gpt-4-turbo", "港口的主人", 6},
		{"gpt-3.5-turbo", "港口的主人", 6},
		{"ft:gpt-3.5-turbo:org", "港口的主人", 6},
	} {
		if got := tokens.Count(tt.model, tt.text); got != tt.want {
			t.Errorf("%s %q: %d, want %d", tt.model, tt.text, got, tt.want)
		}
	}
	long := strings.Repeat("z", tokens.MaxCounted+1)
	if got, want := tokens.Count("gpt-4o", long), tokens.Estimate([]byte(long)); got != want {
		t.Errorf("beyond the cap: %d, want the estimate %d", got, want)
	}
	if got := tokens.Count("gpt-4o", "\xff\xfe"); got <= 0 {
		t.Errorf("invalid text: %d", got)
	}
}

func TestCountChat(t *testing.T) {
	got := tokens.CountChat("gpt-4o", []tokens.Message{{"system", "hello world"}, {"user", "hello world"}})
	if want := int64(3 + 2*(3+1+2)); got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if got := tokens.CountChat("gpt-4o", nil); got != 3 {
		t.Errorf("no message: %d", got)
	}
}

func FuzzEstimate(f *testing.F) {
	f.Add([]byte(english))
	f.Add([]byte(chinese + russian + "🚢\xff{}[]\"\t\r\n  1234"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := tokens.Estimate(b)
		if n < 0 || n > int64(len(b))+1 || (len(b) > 1 && n == 0) {
			t.Fatalf("%q: %d", b, n)
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	text := []byte(english)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		tokens.Estimate(text)
	}
}

func BenchmarkCount(b *testing.B) {
	tokens.Count("gpt-4o", "warm")
	b.SetBytes(int64(len(english)))
	b.ReportAllocs()
	for b.Loop() {
		tokens.Count("gpt-4o", english)
	}
}
