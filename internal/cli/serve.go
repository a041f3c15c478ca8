package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"tollgate/internal/app"
	"tollgate/internal/config"
)

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
		File: s.File, Inline: s.Inline, Strict: s.Strict, Version: build().Version, Program: env.Program,
		Stdin: env.Stdin, Stdout: env.Stdout, Stderr: env.Stderr, LookupEnv: env.LookupEnv,
	}, nil
}

type serve struct {
	source
	ValidateOnly bool   `help:"Check the configuration exactly as a start would, and stop."`
	DataDir      string `help:"Directory for what outlives the process (default: tollgate-data)." env:"TOLLGATE_DATA_DIR" placeholder:"DIR"`
	Repair       bool   `help:"Open a database that does not verify, go on with what is there, and put that on record."`
	kubernetes
}

// kubernetes are the flags that say which cluster to follow.
type kubernetes struct {
	Kubernetes    bool   `help:"Serve the Gateways, routes and keys of a Kubernetes cluster; a configuration file is the base that they come on top of." group:"Kubernetes"`
	Kubeconfig    string `help:"File that says how to reach the cluster (default: $KUBECONFIG, the cluster that this runs in, or ~/.kube/config)." placeholder:"FILE" group:"Kubernetes"`
	KubeClass     string `help:"Serve the Gateways of this GatewayClass only (default: of all classes that name tollgate.dev/gateway)." placeholder:"NAME" group:"Kubernetes"`
	KubeGateway   string `help:"Serve this Gateway only." placeholder:"NAMESPACE/NAME" group:"Kubernetes"`
	KubeNamespace string `help:"Watch this namespace only." placeholder:"NAMESPACE" group:"Kubernetes"`
	KubeAddress   string `help:"Address to give Gateways that have no Service of their name." placeholder:"HOST" group:"Kubernetes"`
	KubeBind      string `help:"IP address that Gateways listen on (default: all)." placeholder:"IP" group:"Kubernetes"`
	KubeLocal     bool   `help:"Let Backends name addresses of this machine and its link, which whoever may write a Backend could reach listeners for administration by." env:"TOLLGATE_KUBE_LOCAL" group:"Kubernetes"`
}

// cluster gives nil if no cluster is to be followed.
func (k *kubernetes) cluster() (*app.Kubernetes, error) {
	out := &app.Kubernetes{
		Kubeconfig: k.Kubeconfig, Class: k.KubeClass, Gateway: k.KubeGateway, Namespace: k.KubeNamespace, Address: k.KubeAddress, Bind: k.KubeBind,
	}
	switch {
	case k.Kubernetes:
		out.Local = k.KubeLocal
		return out, nil
	case *out != app.Kubernetes{}:
		return nil, usageError("--kubeconfig and the flags that begin with --kube- need --kubernetes")
	default:
		return nil, nil
	}
}

// Run serves until a signal drains it; a second one stops it at once.
func (s *serve) Run(ctx context.Context, env *Environment) error {
	o, err := s.options(env)
	if err != nil {
		return err
	}
	o.DataDir, o.Repair = s.DataDir, s.Repair
	if o.Kubernetes, err = s.cluster(); err != nil {
		return err
	}
	if s.ValidateOnly {
		return validate(o)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	o.Hangup = hangup
	app.PaceCollector(env.LookupEnv)
	a, err := app.New(o)
	if err != nil {
		return err
	}
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
	Schema struct {
		// The schema is that of every file; whoever validates one may ask for it with the same flag.
		File string `short:"f" hidden:""`
	} `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`
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
