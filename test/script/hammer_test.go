package script

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// hammer is a crowd of clients that send one request after another.
type hammer struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	count  atomic.Int64
	first  atomic.Pointer[error] // what went wrong first
}

func (h *hammer) stop() {
	h.cancel()
	h.done.Wait()
}

// hammer start NAME CLIENTS STATUS [flags] METHOD URL lets clients send a request again and
// again in the background; hammer stop NAME AT-LEAST ends it and requires so many
// answers, each with the status. The first that was wrong is the error.
func cmdHammer(ts *testscript.TestScript, w *world, args []string) error {
	if len(args) < 3 {
		return errUsage
	}
	verb, name := args[0], args[1]
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	switch verb {
	case "start":
		c, err := parseCall(ts, w, args[3:])
		if err != nil {
			return err
		}
		w.hammers[name] = startHammer(c, n)
		return nil
	case "stop":
		h := w.hammers[name]
		if h == nil {
			return errUsage
		}
		err := eventually(func() error {
			if got := h.count.Load(); got < int64(n) && h.first.Load() == nil {
				return fmt.Errorf("%d answers, want %d", got, n)
			}
			return nil
		})
		h.stop()
		if first := h.first.Load(); first != nil {
			return fmt.Errorf("after %d answers: %w", h.count.Load(), *first)
		}
		return err
	}
	return errUsage
}

func startHammer(c *call, clients int) *hammer {
	ctx, cancel := context.WithCancel(context.Background())
	h := &hammer{cancel: cancel}
	for range clients {
		h.done.Go(func() {
			for ctx.Err() == nil {
				if err := hit(ctx, c); err != nil && ctx.Err() == nil {
					h.first.CompareAndSwap(nil, &err)
					return
				}
				h.count.Add(1)
			}
		})
	}
	return h
}

// hit sends one request and checks its answer.
func hit(ctx context.Context, c *call) error {
	resp, err := c.do(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return c.met(resp.StatusCode, body)
}
