package routing

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	now := time.Unix(1_000, 0)
	all := []target{{"a", &Health{}}, {"b", &Health{}}, {"c", &Health{}}, {"d", &Health{}}}
	random := rand.New(rand.NewPCG(1, 2))
	count := func(n int) map[string]int {
		first := map[string]int{}
		for range 1200 {
			order := Spread(nil, all, n, now, random)
			seen := map[string]bool{}
			for _, o := range order {
				seen[o.name] = true
			}
			if len(order) != min(n, len(all)) || len(seen) != len(order) {
				t.Fatalf("order %s of %d", names(order), n)
			}
			first[order[0].name]++
		}
		return first
	}
	all[0].health.Succeed(now, time.Nanosecond) // being quick is no reason to get all
	for name, n := range count(4) {
		if n < 240 || n > 360 {
			t.Errorf("%s was first %d times of 1200", name, n)
		}
	}
	all[1].health.Fail(Failure{At: now}, 0, DefaultCooling)
	for name, n := range count(2) {
		if n < 320 || n > 480 || name == "b" {
			t.Errorf("%s was first %d times of 1200 while b cools down", name, n)
		}
	}
	for range 50 {
		if order := names(Spread(nil, all, 4, now, random)); order[3] != 'b' {
			t.Fatalf("order %s: one that cools down comes last", order)
		}
	}
	if order := names(Spread([]target{all[3]}, all[1:2], 4, now, random)); order != "db" {
		t.Errorf("order %s: one that cools down is better than none", order)
	}
	if order := Spread[target](nil, nil, 4, now, random); len(order) != 0 {
		t.Errorf("order %v of nothing", order)
	}
}
