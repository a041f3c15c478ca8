package sqlite

import (
	"context"
	"errors"
)

// Trim gives back the memory in which connections that nobody uses at the moment keep
// pages. They read them again when they need them.
func (s *Store) Trim(ctx context.Context) error {
	var all []error
	for _, f := range []*file{s.main, s.requests} {
		all = append(all, trim(ctx, f.writer), trim(ctx, f.readers))
	}
	return errors.Join(all...)
}

func trim(ctx context.Context, idle chan *conn) error {
	var all []error
	for range cap(idle) {
		select {
		case c := <-idle:
			all = append(all, c.exec(ctx, "PRAGMA shrink_memory"))
			idle <- c
		default:
		}
	}
	return errors.Join(all...)
}
