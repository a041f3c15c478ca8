package vkey

import "sync"

// Flights are the requests of one key that are under way, so that they can be
// ended when the key is. The zero value is ready.
type Flights struct {
	mu    sync.Mutex
	first *Flight
	count int
	cause error // of the cut, once there was one
}

// Flight is one request under way. End it.
type Flight struct {
	of         *Flights
	cancel     func(cause error)
	prev, next *Flight
	over       bool
}

// Add registers a request that can be ended by cancel, which must be quick and may
// be called from anywhere. A request that comes in behind a cut is ended at once:
// its key was looked up before. Without Flights nothing is registered.
func (f *Flights) Add(cancel func(cause error)) *Flight {
	if f == nil {
		return nil
	}
	n := &Flight{of: f, cancel: cancel}
	f.mu.Lock()
	cause := f.cause
	if cause == nil {
		n.next = f.first
		if f.first != nil {
			f.first.prev = n
		}
		f.first = n
		f.count++
	} else {
		n.over = true
	}
	f.mu.Unlock()
	if cause != nil {
		cancel(cause)
	}
	return n
}

// End takes the request out again. It may be called more than once.
func (n *Flight) End() {
	if n == nil {
		return
	}
	f := n.of
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.over {
		return
	}
	n.over = true
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		f.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
	f.count--
}

// Cut ends all requests under way, and those that are still to be added, and tells
// how many were under way.
func (f *Flights) Cut(cause error) int {
	f.mu.Lock()
	if f.cause == nil {
		f.cause = cause
	}
	all := make([]func(error), 0, f.count)
	for n := f.first; n != nil; n = n.next {
		all = append(all, n.cancel)
	}
	for n := f.first; n != nil; {
		next := n.next
		n.over, n.prev, n.next = true, nil, nil
		n = next
	}
	f.first, f.count = nil, 0
	f.mu.Unlock()
	for _, cancel := range all {
		cancel(cause)
	}
	return len(all)
}

// Len is the number of requests under way.
func (f *Flights) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}
