package money_test

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"tollgate/internal/money"
)

func TestParseNano(t *testing.T) {
	for text, want := range map[string]money.Nano{
		"0": 0, "200.00": 200e9, "200": 200e9, "0.000172125": 172_125, "0.000000001": 1, "-1.5": -1_500_000_000,
		"9223372036.854775807": money.MaxNano, "-9223372036.854775808": money.MinNano, "-0": 0, "0.10": 100_000_000,
	} {
		if got, err := money.ParseNano(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"": "empty", "-": "digits on both sides", ".5": "both sides", "5.": "both sides", "1e3": "exponent", "+1": "plus",
		"1,5": `","`, "$5": `"$"`, " 5": `" "`, "01": "superfluous zero", "00.5": "superfluous zero", "1.2.3": `"."`,
		"0.0000000001": "more than 9 decimals", "9223372036.854775808": "out of range", "-9223372036.854775809": "out of range",
		"99999999999999999999999": "out of range", "--1": `"-"`, "NaN": `"N"`, "0x10": `"x"`, "٣": "only digits", "e5": `"e"`,
		strings.Repeat("9", 1000): "…",
	} {
		if got, err := money.ParseNano(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %d, %v; want an error that says %s", text, got, err, says)
		}
	}
}

func TestNanoOfNumber(t *testing.T) {
	for text, want := range map[string]money.Nano{"1e2": 100e9, "3.1234567891e0": 3_123_456_790, "0.1": 100_000_000, "5e-10": 1, "0": 0} {
		if got, err := money.NanoOfNumber(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"-1", "1e30", "", "x"} {
		if got, err := money.NanoOfNumber(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func TestNanoText(t *testing.T) {
	for n, want := range map[money.Nano]string{
		0: "0.00", 1: "0.000000001", -1: "-0.000000001", 200e9: "200.00", 3_170_000_000: "3.17", 172_125: "0.000172125",
		100_000_000: "0.10", -1_050_000_000: "-1.05", money.MaxNano: "9223372036.854775807", money.MinNano: "-9223372036.854775808",
	} {
		if n.String() != want {
			t.Errorf("%d: %s, want %s", int64(n), n, want)
		}
		raw, err := json.Marshal(n)
		if err != nil || string(raw) != `"`+want+`"` {
			t.Errorf("%d: %s, %v", int64(n), raw, err)
		}
		var back money.Nano
		if err := json.Unmarshal(raw, &back); err != nil || back != n {
			t.Errorf("%s came back as %d, %v", raw, int64(back), err)
		}
	}
	if text, err := money.USD.AppendText([]byte("= ")); err != nil || string(text) != "= 1.00" {
		t.Errorf("%s, %v", text, err)
	}
	for _, raw := range []string{`200`, `200.5`, `true`, `{}`, `"1e3"`} {
		var n money.Nano
		if err := json.Unmarshal([]byte(raw), &n); err == nil {
			t.Errorf("%s was read as %s", raw, n)
		}
	}
	var n money.Nano
	if err := json.Unmarshal([]byte(`200`), &n); err == nil || !strings.Contains(err.Error(), `"200.00"`) {
		t.Errorf("%v should say how money is written", err)
	}
}

func TestSaturate(t *testing.T) {
	for _, tt := range []struct{ a, b, sum, diff money.Nano }{
		{1, 2, 3, -1},
		{money.MaxNano, 1, money.MaxNano, money.MaxNano - 1},
		{money.MinNano, -1, money.MinNano, money.MinNano + 1},
		{money.MinNano, 1, money.MinNano + 1, money.MinNano},
		{money.MaxNano, -1, money.MaxNano - 1, money.MaxNano},
		{0, money.MinNano, money.MinNano, money.MaxNano},
		{money.MinNano, money.MinNano, money.MinNano, 0},
		{-1, money.MinNano, money.MinNano, money.MaxNano},
	} {
		if got := tt.a.Add(tt.b); got != tt.sum {
			t.Errorf("%d + %d = %d, want %d", int64(tt.a), int64(tt.b), int64(got), int64(tt.sum))
		}
		if got := tt.a.Sub(tt.b); got != tt.diff {
			t.Errorf("%d - %d = %d, want %d", int64(tt.a), int64(tt.b), int64(got), int64(tt.diff))
		}
	}
}

func TestPrices(t *testing.T) {
	for _, tt := range []struct {
		parse func(string) (money.Pico, error)
		text  string
		want  money.Pico
		says  string // of the error
	}{
		{parse: money.ParsePerMillion, text: "0.075", want: 75_000},
		{parse: money.ParsePerMillion, text: "0.000001", want: 1},
		{parse: money.ParsePerMillion, text: "9223372036854.775807", want: money.MaxPico},
		{parse: money.ParsePerMillion, text: "0.0000001", says: "more than 6 decimals"},
		{parse: money.ParsePerMillion, text: "-1", says: "negative"},
		{parse: money.ParsePico, text: "0.01", want: 10_000_000_000},
		{parse: money.ParsePico, text: "10000000", says: "range"},
		{parse: money.PicoOfNumber, text: "2.5e-06", want: 2_500_000},
		{parse: money.PicoOfNumber, text: "2.5E-6", want: 2_500_000},
		{parse: money.PicoOfNumber, text: "1e+0", want: 1_000_000_000_000},
		{parse: money.PicoOfNumber, text: "0.00000015", want: 150_000},
		{parse: money.PicoOfNumber, text: "8.333333333333334e-08", want: 83_334},
		{parse: money.PicoOfNumber, text: "0.00000000000000000000000001", want: 1},
		{parse: money.PicoOfNumber, text: "0e-300", want: 0},
		{parse: money.PicoOfNumber, text: "0.09999999999999999999999999", want: 100_000_000_000},
		{parse: money.PicoOfNumber, text: "1000000.000000000000000000000", want: 1_000_000_000_000_000_000},
		{parse: money.PicoOfNumber, text: "1e7", says: "range"},
		{parse: money.PicoOfNumber, text: "1e999999999999", says: "range"},
		{parse: money.PicoOfNumber, text: "1e4000", says: "range"},
		{parse: money.PicoOfNumber, text: "-1e-6", says: "negative"},
		{parse: money.PicoOfNumber, text: "1e", says: "exponent that is no number"},
		{parse: money.PicoOfNumber, text: "cheap", says: "only digits"},
		{parse: money.PicoOfNumber, text: "e5", says: "only digits"},
		{parse: money.PicoOfNumber, text: "abc", says: "only digits"},
		{parse: money.PicoOfNumber, text: "", says: "point"},
	} {
		got, err := tt.parse(tt.text)
		if tt.says == "" && (err != nil || got != tt.want) || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%q: %d, %v; want %d %s", tt.text, got, err, tt.want, tt.says)
		}
	}
	if p := money.Pico(2_500_000); p.PerMillion() != "2.50" || p.String() != "0.0000025" {
		t.Errorf("%s, %s", p.PerMillion(), p)
	}
	if p := money.Pico(2_500_000); p.Times(4) != 10_000_000 || p.Times(math.MaxInt64) != money.MaxPico || p.Times(0) != 0 {
		t.Error("Times")
	}
}

func TestFactors(t *testing.T) {
	half, err := money.ParseFactor("0.5")
	if err != nil || half != money.One/2 || half.String() != "0.50" {
		t.Errorf("%d, %v", half, err)
	}
	for _, text := range []string{"1000.000001", "-1", "0.0000001", "x"} {
		if f, err := money.ParseFactor(text); err == nil {
			t.Errorf("%q was read as %s", text, f)
		}
	}
	third := money.Factor(333_333)
	for _, tt := range [][3]money.Factor{
		{half, money.One, half}, {money.One, half, half}, {half, 1_100_000, 550_000}, {third, third, 111_111},
		{third, 1, 1}, {0, half, 0}, {-5, half, 0}, {money.Factor(math.MaxInt64), money.Factor(math.MaxInt64), math.MaxInt64},
		{money.Factor(math.MaxInt64), 2 * money.One, math.MaxInt64},
	} {
		if got := tt[0].Times(tt[1]); got != tt[2] {
			t.Errorf("%d × %d = %d, want %d", int64(tt[0]), int64(tt[1]), int64(got), int64(tt[2]))
		}
	}
}

// TestSumAgainstBig compares a million random bills with arithmetic that has no limits.
func TestSumAgainstBig(t *testing.T) {
	bills := 1_000_000
	if testing.Short() {
		bills = 50_000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	some := func() int64 { return rng.Int64() >> rng.IntN(64) }
	total, term, rest := new(big.Int), new(big.Int), new(big.Int)
	limit := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
	check := func(sum money.Sum) {
		for unit, got := range map[int64]int64{1e9: int64(sum.Nano()), 1e6: int64(sum.Pico())} {
			want, _ := term.DivMod(total, big.NewInt(unit), rest)
			if rest.Sign() > 0 {
				want.Add(want, big.NewInt(1))
			}
			if !want.IsInt64() {
				want.SetInt64(math.MaxInt64)
			}
			if got != want.Int64() {
				t.Fatalf("%v in units of %d: %d, want %v", total, unit, got, want)
			}
		}
	}
	for range bills {
		total.SetInt64(0)
		var sum money.Sum
		for range 1 + rng.IntN(4) {
			n, price, by := some(), money.Pico(some()), money.Factor(1+some()>>30)
			term.Mul(big.NewInt(n), big.NewInt(int64(price)))
			var one money.Sum
			if rng.IntN(4) == 0 {
				one = money.Part(n, price, 3600)
				if term.Mul(term, big.NewInt(1e6)); term.Cmp(limit) > 0 {
					term.Set(limit)
				} else if term.DivMod(term, big.NewInt(3600), rest); rest.Sign() > 0 {
					term.Add(term, big.NewInt(1))
				}
			} else {
				one = money.Product(n, price, by)
				term.Mul(term, big.NewInt(int64(by)))
			}
			if sum.Less(one) != (total.Cmp(term) < 0) && term.Cmp(limit) < 0 {
				t.Fatalf("%v < %v: %t", total, term, sum.Less(one))
			}
			sum = sum.Plus(one)
			if total.Add(total, term); total.Cmp(limit) > 0 {
				total.Set(limit)
			}
		}
		check(sum)
	}
}

func TestSumEdges(t *testing.T) {
	most := money.Product(math.MaxInt64, money.MaxPico, math.MaxInt64)
	for name, tt := range map[string]struct {
		sum  money.Sum
		want money.Nano
	}{
		"nothing":            {money.Sum{}, 0},
		"less than a nano":   {money.Product(1, 1, money.One), 1},
		"exactly a nano":     {money.Product(1000, 1, money.One), 1},
		"above a nano":       {money.Product(1001, 1, money.One), 2},
		"negative":           {money.Product(-1, 1000, money.One), 0},
		"negative price":     {money.Product(1, -1000, money.One), 0},
		"no factor":          {money.Product(1, 1000, 0), 0},
		"everything":         {most, money.MaxNano},
		"more than all":      {most.Plus(most), money.MaxNano},
		"a part of all":      {money.Part(math.MaxInt64, money.MaxPico, 1), money.MaxNano},
		"half a minute":      {money.Part(30, 360_000_000_000, 3600), 3_000_000},
		"the end":            {money.Product(math.MaxInt64, 1000, money.One), money.MaxNano},
		"just below the end": {money.Product(math.MaxInt64-1, 1000, money.One), money.MaxNano - 1},
		"just above the end": {money.Product(math.MaxInt64, 1000, money.One).Plus(money.Product(1, 1, money.One)), money.MaxNano},
	} {
		if got := tt.sum.Nano(); got != tt.want {
			t.Errorf("%s: %d, want %d", name, int64(got), int64(tt.want))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0", "200.00", "-1.5", "2.5e-06", "8.333333333333334e-08", "9223372036.854775807", "1e400", ".", "00", "1.0000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		exact, ok := new(big.Rat).SetString(s)
		if n, err := money.ParseNano(s); err == nil {
			if !ok || exact.Mul(exact, big.NewRat(1e9, 1)).Cmp(new(big.Rat).SetInt64(int64(n))) != 0 {
				t.Fatalf("%q was read as %d", s, int64(n))
			}
			if back, err := money.ParseNano(n.String()); err != nil || back != n {
				t.Fatalf("%q: %s came back as %d, %v", s, n, int64(back), err)
			}
		}
		if p, err := money.PicoOfNumber(s); err == nil {
			exact, ok := new(big.Rat).SetString(s)
			if !ok {
				t.Fatalf("%q was read as %d", s, int64(p))
			}
			exact.Mul(exact, big.NewRat(1e12, 1))
			over := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(p)), exact)
			if over.Sign() < 0 || over.Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("%q was read as %d", s, int64(p))
			}
		}
	})
}

func BenchmarkSum(b *testing.B) {
	b.ReportAllocs()
	var total money.Nano
	for b.Loop() {
		sum := money.Product(1200, 2_500_000, money.One)
		sum = sum.Plus(money.Product(340, 10_000_000, money.One))
		total += sum.Nano()
	}
}
