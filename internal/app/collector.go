package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How the garbage collector is paced. By its own measure it begins anew when as much was
// allocated as there is in use. Where little is in use, that is many times a second under
// load, and each time all of it is looked at.
const (
	// room is how much may be allocated until the next collection where less than that is
	// in use, in bytes.
	room = 32 << 20
	// mostPercent bounds what that makes of GOGC.
	mostPercent = 400
	// percentStep keeps it from being set again for every small difference.
	percentStep = 50
)

// PaceCollector lets the garbage collector work less often while the heap is small. With
// more than the room in use everything is as always. An operator who sets GOGC has it as
// set.
func PaceCollector(lookupEnv func(string) (string, bool)) {
	if text, set := lookupEnv("GOGC"); set && text != "" {
		return
	}
	p := &pacer{percent: mostPercent}
	debug.SetGCPercent(p.percent)
	runtime.SetFinalizer(&beat{p}, (*beat).after)
}

// pacer sets the pace by what the last collection left.
type pacer struct{ percent int }

// beat is garbage from the beginning, so that every collection finds it.
type beat struct{ pacer *pacer }

func (b *beat) after() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() == metrics.KindUint64 {
		if percent := percentFor(live[0].Value.Uint64()); percent != b.pacer.percent {
			b.pacer.percent = percent
			debug.SetGCPercent(percent)
		}
	}
	runtime.SetFinalizer(b, (*beat).after)
}

// percentFor is GOGC with so many bytes in use.
func percentFor(live uint64) int {
	percent := mostPercent
	if live > 0 {
		percent = int(min(room*100/live, mostPercent))
	}
	return max(percent/percentStep*percentStep, 100)
}
