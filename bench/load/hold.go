package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Hold opens a stream on each of n connections, waits until the first event of
// every one is there, calls open, and drops the connections when it returns.
// A stream that fails or ends before that is an error.
func Hold(ctx context.Context, addr string, requests [][]byte, n int, open func()) error {
	conns, err := dial(ctx, addr, n)
	if err != nil {
		return err
	}
	defer closeAll(conns)

	var (
		streams sync.WaitGroup
		leaving atomic.Bool
		ended   = make(chan error, n)
		flowing = make(chan struct{}, n)
	)
	for i, conn := range conns {
		first := sync.OnceFunc(func() { flowing <- struct{}{} })
		c := newClient(conn, func(int) { first() })
		streams.Go(func() {
			err := c.do(requests[i%len(requests)])
			if leaving.Load() {
				return
			}
			if err == nil {
				err = errors.New("a stream ended while it was to be held")
			}
			ended <- err
		})
	}
	defer streams.Wait()
	defer closeAll(conns)
	defer leaving.Store(true)

	late := time.After(2 * Patience)
	for i := range n {
		select {
		case <-flowing:
		case err := <-ended:
			return err
		case <-late:
			return fmt.Errorf("only %d of %d streams have begun", i, n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	open()
	select {
	case err := <-ended:
		return err
	default:
		return nil
	}
}
