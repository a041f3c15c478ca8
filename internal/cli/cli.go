// Package cli is the command line. It parses words and prints results; what a
// command does lives behind it.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"tollgate/internal/app"
	"tollgate/internal/config"
)

// Exit codes. They are part of the contract with scripts.
const (
	exitOK      = 0
	exitFailure = 1 // the command ran and failed
	exitUsage   = 2 // the command line or the configuration is wrong
)

// Environment is what the command line takes from the process around it.
type Environment struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	LookupEnv      func(string) (string, bool)
}

type command struct {
	Serve   serve         `cmd:"" default:"withargs" help:"Serve (the default command). Without a file: embedded defaults with a simulated provider."`
	Config  configuration `cmd:"" help:"Check a configuration, or print the schema of one."`
	Version version       `cmd:"" help:"Print what was built, from what."`

	ShowVersion  bool `name:"version" help:"Print the build as JSON."`
	ShortVersion bool `short:"V" hidden:""`
}

// Run executes one command line and gives the exit code.
func Run(args []string, env Environment) int {
	var cmd command
	code, exited := 0, false
	parser, err := kong.New(&cmd,
		kong.Name("tollgate"),
		kong.Description("An LLM gateway that gives every application a virtual key of its own.\n\n"+
			"Start it with nothing (tollgate serve) or with a configuration file (tollgate -f config.yaml)."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(c int) { code, exited = c, true }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(env.Stderr, "tollgate:", err)
		return exitFailure
	}
	ctx, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "tollgate: %v\nRun \"tollgate --help\" for the commands.\n", err)
		return exitUsage
	}
	if cmd.ShowVersion || cmd.ShortVersion {
		err = (&version{Output: map[bool]string{true: "json", false: "text"}[cmd.ShowVersion]}).Run(&env)
	} else {
		err = ctx.Run(&env)
	}
	return report(err, env.Stderr)
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
	fmt.Fprintln(to, "tollgate:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// source are the flags that say which configuration is meant.
type source struct {
	File   string `short:"f" help:"Configuration file, watched for changes; - reads standard input." placeholder:"FILE"`
	Inline string `short:"c" name:"config" help:"Configuration text, instead of a file." placeholder:"YAML"`
	Strict bool   `help:"Refuse a configuration that has sections of no effect here, instead of warning."`
}

func (s *source) options(env *Environment) (app.Options, error) {
	if s.File != "" && s.Inline != "" {
		return app.Options{}, usageError("give either --file or --config, not both")
	}
	return app.Options{
		File: s.File, Inline: s.Inline, Strict: s.Strict, Version: build().Version,
		Stdin: env.Stdin, Stdout: env.Stdout, Stderr: env.Stderr, LookupEnv: env.LookupEnv,
	}, nil
}

type serve struct {
	source
	ValidateOnly bool   `help:"Check the configuration exactly as a start would, and stop."`
	DataDir      string `help:"Directory for what outlives the process (default: tollgate-data)." env:"TOLLGATE_DATA_DIR" placeholder:"DIR"`
}

func (s *serve) Run(env *Environment) error {
	o, err := s.options(env)
	if err != nil {
		return err
	}
	o.DataDir = s.DataDir
	if s.ValidateOnly {
		return validate(o)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Hangup = hangup
	a, err := app.New(o)
	if err != nil {
		return err
	}
	// The first signal drains, the second one stops at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return a.Run(ctx)
}

func validate(o app.Options) error {
	if err := app.Validate(o); err != nil {
		return err
	}
	_, err := fmt.Fprintln(o.Stdout, "Configuration is valid!")
	return err
}

type configuration struct {
	Validate struct {
		source
	} `cmd:"" help:"Check a configuration exactly as a start would."`
	Schema struct{} `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`
}

// Run of the two commands is chosen by kong through these methods' receivers.
func (c *configuration) Run(ctx *kong.Context, env *Environment) error {
	if ctx.Command() == "config schema" {
		text, err := config.Schema()
		if err != nil {
			return err
		}
		_, err = env.Stdout.Write(text)
		return err
	}
	o, err := c.Validate.options(env)
	if err != nil {
		return err
	}
	if o.File == "" && o.Inline == "" {
		return usageError("name the configuration to check with --file or --config")
	}
	return validate(o)
}

type version struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Build says what was built.
type Build struct {
	Version   string `json:"version"`
	Revision  string `json:"revision,omitempty"`
	Modified  bool   `json:"modified,omitempty"`
	GoVersion string `json:"go_version"`
	Platform  string `json:"platform"`
}

func build() Build {
	b := Build{Version: "devel", GoVersion: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (v *version) Run(env *Environment) error {
	b := build()
	if v.Output == "json" {
		enc := json.NewEncoder(env.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(b)
	}
	_, err := fmt.Fprintln(env.Stdout, "tollgate", b.Version, b.GoVersion, b.Platform)
	return err
}
