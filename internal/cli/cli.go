// Package cli is the command line. It parses words, asks for what they mean, and
// prints what comes back; what a command does lives behind the admin API or in app.
//
// Results go to standard output, everything said about them to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"tollgate/client"
	"tollgate/internal/config"
	"tollgate/internal/control"
)

// Exit codes. They are part of the contract with scripts. "audit verify" has its own.
const (
	exitOK       = 0
	exitFailure  = 1 // the command ran and failed
	exitUsage    = 2 // the command line, the configuration or a value is wrong
	exitNotFound = 3 // what was named is not there
	exitRefused  = 4 // not allowed, or not as things are
)

// Environment is what the command line takes from the process around it.
type Environment struct {
	Program        string // what it was called by
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
	// Now tells the time; nil: time.Now.
	Now func() time.Time
	// Terminal tells whether a stream is a terminal; nil: it is looked at.
	Terminal func(stream any) bool
}

func (e *Environment) lookup(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

func (e *Environment) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

// terminal tells whether somebody sits at a stream.
func (e *Environment) terminal(stream any) bool {
	if e.Terminal != nil {
		return e.Terminal(stream)
	}
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

type command struct {
	Serve serve `cmd:"" default:"withargs" help:"Serve (the default command). Without a file: embedded defaults with a simulated provider."`

	Controller controller `cmd:"" help:"Run a gateway for each Gateway of a Kubernetes cluster."`

	Keys   keys   `cmd:"" group:"manage" help:"Virtual keys, which applications call with."`
	Limits limits `cmd:"" group:"manage" help:"Limits that many keys share, and corrections of what a limit counted."`

	Credentials credentials `cmd:"" group:"manage" help:"Provider credentials: what the gateway sends to providers."`
	Tokens      tokens      `cmd:"" group:"manage" help:"Admin tokens: who may manage this server."`

	Usage     usage     `cmd:"" group:"look" help:"What was used and what it cost, summed up."`
	Requests  requests  `cmd:"" group:"look" help:"Single requests."`
	Why       why       `cmd:"" group:"look" help:"Why a request was refused, or cost what it did."`
	Check     check     `cmd:"" group:"look" help:"Whether a request would pass now. Spends nothing."`
	Models    models    `cmd:"" group:"look" help:"Models that can be called."`
	Providers providers `cmd:"" group:"look" help:"Providers, and how each of their targets is."`
	Prices    prices    `cmd:"" group:"look" help:"What models cost, and which price list says so."`
	Status    status    `cmd:"" group:"look" help:"How the server is: version, data, configuration, master key."`

	Audit  trail  `cmd:"" group:"keep" help:"The audit trail: the record of every change."`
	Backup backup `cmd:"" group:"keep" help:"Copy everything that the server keeps into a file."`

	Config  configuration `cmd:"" help:"Check a configuration, or print the schema of one."`
	Version version       `cmd:"" help:"Print what was built, from what."`

	ShowVersion  bool `name:"version" help:"Print the build as JSON."`
	ShortVersion bool `short:"V" hidden:""`
}

var groups = []kong.Group{
	{Key: "manage", Title: "Manage:"}, {Key: "look", Title: "Look:"}, {Key: "keep", Title: "Keep:"},
	{Key: "limit", Title: "Limits:", Description: "AMOUNT[/WINDOW][@ZONE][ for MODEL,…]. Each flag may be given several times, and every limit holds."},
	{Key: "scope", Title: "What it may be used for:"},
	{Key: "server", Title: "Server:"},
}

// Run executes one command line and gives the exit code.
func Run(args []string, env Environment) int {
	var cmd command
	code, exited := 0, false
	parser, err := kong.New(&cmd,
		kong.Name("tollgate"),
		kong.Description("An LLM gateway that gives every application a virtual key of its own.\n\n"+
			"Start it without a file (tollgate serve) or with a configuration file (tollgate -f config.yaml), "+
			"then make a key: tollgate keys create NAME --cost 20/day"),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(c int) { code, exited = c, true }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 120}),
		kong.ExplicitGroups(groups),
	)
	if err != nil {
		fmt.Fprintln(env.Stderr, "tollgate:", err)
		return exitFailure
	}
	args = arranged(args)
	parsed, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "tollgate: %s\n%s\n", cleanLines(mistake(err, args)), helpFor(err))
		return exitUsage
	}
	if cmd.ShowVersion || cmd.ShortVersion {
		err = (&version{Output: map[bool]string{true: "json", false: "text"}[cmd.ShowVersion]}).Run(&env)
		return report(err, env.Stderr)
	}
	// The first signal asks to stop, the second one stops at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(parsed.Run(&env), env.Stderr)
}

// mistake tells what is wrong with a command line. A word that is no command is given to
// the default one: it is a command misspelt, or a file without its flag.
func mistake(err error, args []string) string {
	text := err.Error()
	word, ok := strings.CutPrefix(text, "unexpected argument ")
	if !ok {
		return strings.Replace(text, `must be one of "",`, "must be one of ", 1)
	}
	for _, suffix := range []string{".yaml", ".yml", ".json"} {
		if strings.HasSuffix(word, suffix) {
			return fmt.Sprintf("%s, did you mean \"-f %s\"?", text, word)
		}
	}
	if word == args[0] {
		return fmt.Sprintf("%q is no command", word)
	}
	return text
}

// helpFor says where more is told about the command that a mistake was made in.
func helpFor(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if n := parse.Context.Selected(); n != nil && n.Name != "serve" {
			return fmt.Sprintf("Run \"%s --help\" for what it takes.", n.FullPath())
		}
	}
	return `Run "tollgate --help" for the commands.`
}

// report prints an error and gives its exit code.
func report(err error, to io.Writer) int {
	if err == nil {
		return exitOK
	}
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		fmt.Fprintln(to, problems.Error())
		return exitUsage
	}
	if told, ok := errors.AsType[exitError](err); ok {
		if told.text != "" {
			fmt.Fprintln(to, cleanLines(told.text))
		}
		return told.code
	}
	fmt.Fprintln(to, "tollgate:", cleanLines(err.Error()))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return exitCode(refused.Status)
	}
	if refused, ok := errors.AsType[*control.Error](err); ok && refused.Kind == control.NotFound {
		return exitNotFound
	}
	return exitFailure
}

// exitCode is that of a refusal of the server, by its status.
func exitCode(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return exitUsage
	case http.StatusNotFound:
		return exitNotFound
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed:
		return exitRefused
	}
	return exitFailure
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// exitError ends a command that did what it should with an exit code of its own.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }
