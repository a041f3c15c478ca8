// Command bench measures the whole program: tollgate beside nginx and a direct
// call, one after the other in interleaved rounds. See bench/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/report"
)

// options are the flags.
type options struct {
	rounds   int
	seconds  float64
	warmUp   float64
	only     string
	subjects string
	binary   string
	out      string
	write    string
	from     string
	repeats  int
	profile  bool
}

func main() {
	// The fake provider is this program once more, so that it can have a core
	// and an account of its own.
	if len(os.Args) > 1 && os.Args[1] == "provider" {
		exit(provide(os.Args[2:]))
		return
	}
	var opt options
	flag.IntVar(&opt.rounds, "rounds", 5, "interleaved `rounds`")
	flag.Float64Var(&opt.seconds, "seconds", 3, "`seconds` measured in each round of each scenario")
	flag.Float64Var(&opt.warmUp, "warmup", 0.5, "`seconds` of load before that")
	flag.IntVar(&opt.repeats, "repeats", 3, "how many `times` a round of a scenario is made once more if others used the cores meanwhile")
	flag.StringVar(&opt.only, "only", "", "only these `scenarios`, with commas between: "+strings.Join(scenarioNames(), ", "))
	flag.StringVar(&opt.subjects, "subjects", "direct,nginx,tollgate,limited", "what to measure, with commas between")
	flag.StringVar(&opt.binary, "tollgate", "", "measure this `program` instead of building cmd/tollgate")
	flag.StringVar(&opt.out, "out", "", "`folder` for the results (default bench/out in the repository)")
	flag.StringVar(&opt.write, "write", "", "also write the document `base`.md, images/benchmark.svg beside it, and the summary in README.md, as in -write docs/benchmarks")
	flag.StringVar(&opt.from, "from", "", "measure nothing, take the results from this results.json `file`")
	flag.BoolVar(&opt.profile, "profile", false, "after the rounds, take CPU profiles of tollgate under load")
	flag.Parse()
	exit(run(opt))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(opt options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := obtain(ctx, &opt)
	if err != nil {
		return err
	}
	fmt.Print(results.Markdown())
	if opt.write != "" {
		return errors.Join(results.WriteDocument(opt.write), results.WriteSummary("README.md", opt.write))
	}
	return nil
}

func obtain(ctx context.Context, opt *options) (*report.Results, error) {
	if opt.from != "" {
		return report.Read(opt.from)
	}
	root, err := repository()
	if err != nil {
		return nil, err
	}
	if opt.out == "" {
		opt.out = filepath.Join(root, "bench", "out")
	}
	results, err := measure(ctx, root, *opt)
	if err != nil {
		return nil, err
	}
	return results, results.Write(opt.out)
}

// repository finds the folder of go.mod, from here upwards.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("there is no go.mod here or above: run bench in the repository")
		}
		dir = parent
	}
}

// provide is the fake provider's process. It prints its address and serves
// until it is stopped.
func provide(args []string) error {
	flags := flag.NewFlagSet("provider", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "`address` to serve on")
	_ = flags.Parse(args) // ends the program on an error
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	return fakeprovider.Serve(ln)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
