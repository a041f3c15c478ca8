package vkey_test

import (
	"fmt"
	"runtime"
	"testing"

	"tollgate/internal/vkey"
)

// fill loads n keys as operators have them: two labels, three limits.
func fill(b testing.TB, d *vkey.Directory, p *vkey.Pepper, n int) (last string) {
	b.Helper()
	limits := rich(b, p, "key_x").Limits[:3]
	err := d.Load(func(yield func(*vkey.Key) error) error {
		for i := range n {
			last = fmt.Sprintf("sk-tg-%012d", i)
			k := &vkey.Key{
				ID: fmt.Sprintf("key_%012d", i), Name: fmt.Sprintf("customer-%d-prod", i),
				Labels:  map[string]string{"team": fmt.Sprint("team-", i%100), "env": "production"},
				Models:  vkey.Scope{Allow: []string{"gpt-5*"}},
				Secrets: []vkey.Secret{{ID: fmt.Sprintf("sec_%012d", i), Digest: p.Digest(last), Peppered: true}},
			}
			for j, l := range limits {
				l := *l
				l.ID = fmt.Sprintf("lim_%010d%02d", i, j)
				l.Models = nil
				k.Limits = append(k.Limits, &l)
			}
			if err := yield(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return last
}

func BenchmarkDirectoryLookup(b *testing.B) {
	for _, n := range []int{10, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := pepper(b)
			d := vkey.NewDirectory(p)
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			fill(b, d, p, n)
			runtime.GC()
			runtime.ReadMemStats(&after)
			presented := make([]string, 1000)
			for i := range presented {
				presented[i] = fmt.Sprintf("sk-tg-%012d", i*n/len(presented))
				d.Lookup(presented[i], noon)
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				if _, result := d.Lookup(presented[i%len(presented)], noon); result != vkey.OK {
					b.Fatal(result)
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/key")
			runtime.KeepAlive(d)
		})
	}
}

func BenchmarkDirectoryLoad(b *testing.B) {
	p := pepper(b)
	keys := make([]*vkey.Key, 1000)
	for i := range keys {
		keys[i] = rich(b, p, fmt.Sprintf("key_%012d", i))
		keys[i].Limits = keys[i].Limits[:3]
	}
	const n = 1_000_000
	b.ReportAllocs()
	for b.Loop() {
		err := vkey.NewDirectory(p).Load(func(yield func(*vkey.Key) error) error {
			for i := range n { // the same keys again and again: what they are costs nothing here
				if err := yield(keys[i%len(keys)]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
}

func BenchmarkDirectoryPut(b *testing.B) {
	p := pepper(b)
	d := vkey.NewDirectory(p)
	fill(b, d, p, 1_000_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := d.Put([]*vkey.Key{managed(p, fmt.Sprintf("key_%012d", i%1000))}); err != nil {
			b.Fatal(err)
		}
	}
}
