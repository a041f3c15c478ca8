package routing

import (
	"errors"
	"sync"
	"testing"
	"time"
)

func TestExperience(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 30, 0, time.UTC)
	policy := Cooling{Failures: 2, Base: 10 * time.Second, Max: time.Minute}
	h := &Health{}
	if e := h.Experience(now); e != (Experience{State: Unknown}) {
		t.Errorf("nothing was sent there: %+v", e)
	}
	h.Succeed(now, 0)
	if e := h.Experience(now); e.State != Healthy || e.Requests != 1 {
		t.Errorf("an answer that took no time is one: %+v", e)
	}
	h.Succeed(now, 80*time.Millisecond)
	if e := h.Experience(now); e != (Experience{State: Healthy, Latency: 80 * time.Millisecond, Requests: 2}) {
		t.Errorf("after answers: %+v", e)
	}
	broken := errors.New("connect: refused")
	h.Fail(Failure{At: now, Err: broken}, 0, policy)
	if e := h.Experience(now); e.State != Failing || e.Failures != 1 || e.Failed != 1 || e.Requests != 3 || !e.Until.IsZero() || e.Last.Err != broken || !e.Last.At.Equal(now) {
		t.Errorf("after a failure that sends nothing off: %+v", e)
	}
	h.Fail(Failure{At: now, Status: 503}, 0, policy)
	if e := h.Experience(now.Add(10*time.Second - 1)); e.State != Resting || e.Failures != 2 || !e.Until.Equal(now.Add(10*time.Second)) || e.Last.Status != 503 || e.Last.Err != nil {
		t.Errorf("after one that does: %+v", e)
	}
	if e := h.Experience(now.Add(10 * time.Second)); e.State != Failing || !e.Until.IsZero() {
		t.Errorf("after its rest, when nothing good came yet: %+v", e)
	}
	h.Succeed(now.Add(time.Minute), time.Millisecond)
	if e := h.Experience(now.Add(time.Minute)); e.State != Healthy || e.Failures != 0 || e.Requests != 5 || e.Failed != 2 || e.Last == nil {
		t.Errorf("after an answer again: %+v", e)
	}
	if e := h.Experience(now.Add(time.Hour)); e.State != Healthy || e.Requests != 0 || e.Failed != 0 || e.Last == nil || e.Latency == 0 {
		t.Errorf("long after: %+v", e)
	}
}

func TestRecentForgetsMinuteByMinute(t *testing.T) {
	begin := time.Date(2026, 11, 21, 12, 0, 59, 0, time.UTC)
	var counts tally
	for i := range 3 {
		counts.add(begin.Add(time.Duration(i)*time.Minute), i == 1)
	}
	for _, c := range []struct {
		after       time.Duration
		all, failed int
	}{
		{2 * time.Minute, 3, 1},
		{5 * time.Minute, 3, 1}, // at 12:05:59 the minute of 12:00 is the fifth whole one
		{5*time.Minute + time.Second, 2, 1},
		{6*time.Minute + time.Second, 1, 0},
		{7*time.Minute + time.Second, 0, 0},
	} {
		if all, failed := counts.sum(begin.Add(c.after)); all != c.all || failed != c.failed {
			t.Errorf("%v later: %d tries, %d of them failed, want %d and %d", c.after, all, failed, c.all, c.failed)
		}
	}
	counts.add(begin.Add(6*time.Minute), true) // where the first was
	if all, failed := counts.sum(begin.Add(6 * time.Minute)); all != 3 || failed != 2 {
		t.Errorf("a minute that comes over an old one: %d, %d", all, failed)
	}
}

func TestFullCountStaysFull(t *testing.T) {
	now := time.Unix(1_000, 0)
	var counts tally
	counts[minuteOf(now)%slots].Store(stamp(minuteOf(now))<<(2*countBits) | (fullCount-1)<<countBits | fullCount - 1)
	counts.add(now, true)
	counts.add(now, true)
	if all, failed := counts.sum(now); all != fullCount || failed != fullCount {
		t.Errorf("%d and %d, want %d", all, failed, fullCount)
	}
}

func TestRecentCountsEveryAttempt(t *testing.T) {
	h := &Health{}
	now := time.Unix(1_000, 0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				h.Succeed(now, time.Millisecond)
				h.Fail(Failure{At: now, Status: 500}, 0, DefaultCooling)
			}
		})
	}
	all.Wait()
	if e := h.Experience(now); e.Requests != 8000 || e.Failed != 4000 {
		t.Errorf("%d tries, %d of them failed, want 8000 and 4000", e.Requests, e.Failed)
	}
}

func TestSuccessAllocatesNothing(t *testing.T) {
	h, now := &Health{}, time.Unix(1_000, 0)
	if n := testing.AllocsPerRun(100, func() { h.Succeed(now, time.Millisecond); now = now.Add(time.Minute) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
