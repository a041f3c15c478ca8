// Seed fills a data directory with a past: keys, limits, admin tokens, an audit trail, request
// records and the ledger that goes with them, as if tollgate had served for a month. It uses the
// program's own books and administration, on a clock of its own, so that everything agrees: what a
// limit shows as spent is what its requests cost, and who was refused had no room left.
//
// The same flags give the same data. The values of the admin tokens and of some virtual keys are
// in seed.json of the directory afterwards; this is for tests and demonstrations only.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	var until string
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.dir, "data", "", "the data `directory` to be filled; it must not hold a database yet")
	flags.IntVar(&o.keys, "keys", 40, "how many virtual keys")
	flags.IntVar(&o.requests, "requests", 20_000, "how many requests, over all days")
	flags.IntVar(&o.days, "days", 30, "how many `days` of them, up to now")
	flags.Uint64Var(&o.seed, "seed", 1, "another number gives other data")
	flags.StringVar(&until, "until", "", "when the last request was, as RFC 3339; default: now, to the minute")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.until = time.Now().UTC().Truncate(time.Minute)
	if until != "" {
		t, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return fmt.Errorf("-until: %w", err)
		}
		o.until = t.UTC()
	}
	began := time.Now()
	made, err := fill(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s holds %d keys, %d requests (%d refused, %d failed) and %d ledger rows since %s; made in %v\n", o.dir, made.keys, made.requests,
		made.refused, made.failed, made.rows, o.since().Format(time.RFC3339), time.Since(began).Round(time.Millisecond))
	return nil
}
