package config

import "time"

// Config is a whole configuration. Load gives it with every default filled in
// and every reference checked.
type Config struct {
	Process  Process        `json:"config,omitzero" doc:"Settings of the process: addresses, logging, metrics, tracing, connections."`
	Frontend Frontend       `json:"frontendPolicies,omitzero" doc:"Access log, tracing and limits of all listeners."`
	Gateways Map[Gateway]   `json:"gateways,omitzero" doc:"Listeners by name. llm and routes attach to the one called default unless they name others."`
	Routes   []Route        `json:"routes,omitzero" doc:"Routes that attach to gateways."`
	Binds    []Bind         `json:"binds,omitzero" doc:"Ports with their listeners and routes; the older shape of gateways and routes."`
	Backends []NamedBackend `json:"backends,omitzero" doc:"Backends that routes refer to by name."`
	LLM      *LLM           `json:"llm,omitzero" doc:"Models by name, the short shape."`
	Tollgate Tollgate       `json:"tollgate,omitzero" doc:"Settings that only tollgate has."`
	_        struct{}       `later:"policies,routeGroups" aside:"mcp,ui,workloads,services,tcpRoutes"`

	// Prices are the price lists of config.modelCatalog and tollgate.prices, in this
	// order: what stands in a later one comes first.
	Prices []PriceList `json:"-"`
	// Files are the files that the configuration refers to, without repetition.
	Files []string `json:"-"`
}

// Process are the settings of the process.
type Process struct {
	At            Position      `json:"-"`
	AdminAddr     Address       `json:"adminAddr,omitzero" doc:"Address of the admin listener: ip:port, localhost:port, unix:/path or off. ADMIN_ADDR in the environment wins." default:"localhost:15000"`
	StatsAddr     Address       `json:"statsAddr,omitzero" doc:"Address of the metrics listener. STATS_ADDR in the environment wins." default:"[::]:15020"`
	ReadinessAddr Address       `json:"readinessAddr,omitzero" doc:"Address of the readiness listener. READINESS_ADDR in the environment wins." default:"[::]:15021"`
	EnableIPv6    bool          `json:"enableIpv6" doc:"false listens on IPv4 alone. IPV6_ENABLED in the environment wins." default:"true"`
	Logging       Logging       `json:"logging,omitzero" doc:"The program's log, and the fields of the access log (older place)."`
	ModelCatalog  []Catalog     `json:"modelCatalog,omitzero" doc:"Prices of models; later entries come first. Files are watched."`
	Database      Database      `json:"database,omitzero" doc:"Where keys, ledger and records are kept."`
	Metrics       Metrics       `json:"metrics,omitzero" doc:"Names to leave out and labels to add."`
	Tracing       *OTLP         `json:"tracing,omitzero" doc:"Traces (older place of frontendPolicies.tracing)."`
	Backend       Connections   `json:"backend,omitzero" doc:"Connections to providers."`
	Termination   time.Duration `json:"connectionTerminationDeadline,omitzero" doc:"How long requests under way may take to finish when the process ends or an address is closed." default:"5s"`
	MinimumDrain  time.Duration `json:"connectionMinTerminationDeadline,omitzero" doc:"How long the process at least stays reachable when it is told to end." default:"0s"`
	_             struct{}      `idle:"storage,session,dns,standardAttributes,histograms,workerThreads,sensitiveHeaders,customFunctions" aside:"mcp,hbone,spiffe,localXdsPath,caAddress,caAuthToken,xdsAddress,xdsAuthToken,namespace,gateway,trustDomain,additionalTrustDomains,skipValidateTrustDomain,serviceAccount,clusterId,network"`
}

// Database is where keys, ledger and records are kept.
type Database struct {
	At Position `json:"-"`
	// URL is "" for the data directory.
	URL string   `json:"url,omitzero" doc:"sqlite:// and the path of a file (default: in the data directory)."`
	_   struct{} `idle:"maxConnections"`
}

// Catalog is a list of prices, in a file or in the configuration itself.
type Catalog struct {
	At     Position `json:"-"`
	File   File     `json:"file,omitzero" doc:"Path of the list."`
	Inline JSON     `json:"inline,omitzero" doc:"The list itself, as an object or as text."`
	_      struct{} `oneof:"file,inline"`
}

// PriceList is the text of a price list.
type PriceList struct {
	Name string // of the file, or what stands for one
	Text []byte
	File bool // it is one
	At   Position
}

// Logging is the program's log.
type Logging struct {
	// Level is debug, info, warn or error; "" leaves it to the program.
	Level  LogLevel  `json:"level,omitzero" doc:"trace, debug, info, warn or error. Directives for single modules have no effect."`
	Format string    `json:"format,omitzero" doc:"Format of the program's log and of the access log." enum:"text,json"`
	Fields LogFields `json:"fields,omitzero" doc:"Fields of the access log (older place of frontendPolicies.accessLog)."`
	_      struct{}  `idle:"database" later:"filter"`
}

// LogLevel is debug, info, warn or error.
type LogLevel string

// LogFields change the fields of the access log.
type LogFields struct {
	Add    Map[Expr] `json:"add,omitzero" doc:"Fields to add, with the CEL expression of each."`
	Remove []string  `json:"remove,omitzero" doc:"Fields to leave out."`
}

// Metrics change the metrics.
type Metrics struct {
	Remove []string     `json:"remove,omitzero" doc:"Names of metrics to leave out."`
	Fields MetricFields `json:"fields,omitzero" doc:"Labels of metrics."`
}

// MetricFields change the labels of metrics.
type MetricFields struct {
	Add Map[Expr] `json:"add,omitzero" doc:"Labels to add, with the CEL expression of each."`
}

// OTLP is the older form of Tracing. Load moves it to Frontend.Tracing.
type OTLP struct {
	At             Position    `json:"-"`
	Endpoint       string      `json:"otlpEndpoint,omitzero" doc:"URL of the collector." required:"true"`
	Headers        Map[Secret] `json:"headers,omitzero" doc:"Header lines to send along; the values are treated as secrets."`
	Protocol       string      `json:"otlpProtocol,omitzero" doc:"Protocol of the collector." enum:"grpc,http" default:"grpc"`
	Path           string      `json:"path,omitzero" doc:"Path of the collector." default:"/v1/traces"`
	RandomSampling Expr        `json:"randomSampling,omitzero" doc:"Share of requests without a trace of their own that are traced: true, false, or a number from 0 to 1." default:"false"`
	ClientSampling Expr        `json:"clientSampling,omitzero" doc:"Share of requests with a trace of their own that are traced." default:"true"`
	Fields         LogFields   `json:"fields,omitzero" doc:"Attributes to add and to remove."`
}

// Connections bound the connections to providers.
type Connections struct {
	ConnectTimeout time.Duration `json:"connectTimeout,omitzero" doc:"Bound of dialling and the TLS handshake." default:"10s"`
	IdleTimeout    time.Duration `json:"poolIdleTimeout,omitzero" doc:"How long an unused connection is kept." default:"90s"`
	MaxIdle        int           `json:"poolMaxSize,omitzero" doc:"Unused connections kept for each host." min:"0"`
	_              struct{}      `idle:"keepalives,h2KeepaliveInterval,h2KeepaliveTimeout"`
}

// Frontend are settings of all listeners.
type Frontend struct {
	HTTP      FrontendHTTP `json:"http,omitzero" doc:"Limits on requests."`
	AccessLog AccessFields `json:"accessLog,omitzero" also:"logging" doc:"Fields of the access log."`
	Tracing   *Tracing     `json:"tracing,omitzero" doc:"Traces, sent to an OpenTelemetry collector."`
	_         struct{}     `idle:"tls,tcp,metrics" later:"networkAuthorization,networkExtAuthz,substrateEgressActorResolution,proxy,proxyProtocol,connect"`
}

// FrontendHTTP are limits on requests.
type FrontendHTTP struct {
	// MaxBufferSize is in bytes, 0 if the configuration does not say;
	// tollgate.limits decides then.
	MaxBufferSize int64    `json:"maxBufferSize,omitzero" doc:"Largest request body, in bytes." min:"1"`
	_             struct{} `idle:"http1MaxHeaders,http1IdleTimeout,http1HeaderCase,http2WindowSize,http2ConnectionWindowSize,http2FrameSize,http2MaxHeaderSize,http2KeepaliveInterval,http2KeepaliveTimeout,maxConnectionDuration,maxConcurrentRequests"`
}

// AccessFields change the fields of the access log. Load adds those of
// config.logging.fields.
type AccessFields struct {
	Add    Map[Expr] `json:"add,omitzero" doc:"Fields to add, with the CEL expression of each."`
	Remove []string  `json:"remove,omitzero" doc:"Fields to leave out."`
	_      struct{}  `idle:"database,preset" later:"filter,otlp"`
}

// Tracing says where traces go.
type Tracing struct {
	At Position `json:"-"`
	// Endpoint is the URL of the collector if the older form gave one, else "".
	Endpoint       string      `json:"-"`
	Headers        Map[Secret] `json:"-"` // of the older form
	Host           string      `json:"host,omitzero" doc:"host:port of the collector."`
	Protocol       string      `json:"protocol,omitzero" doc:"Protocol of the collector." enum:"grpc,http" default:"grpc"`
	Path           string      `json:"path,omitzero" doc:"Path of the collector." default:"/v1/traces"`
	RandomSampling Expr        `json:"randomSampling,omitzero" doc:"Share of requests without a trace of their own that are traced: true, false, or a number from 0 to 1." default:"false"`
	ClientSampling Expr        `json:"clientSampling,omitzero" doc:"Share of requests with a trace of their own that are traced." default:"true"`
	Attributes     Map[Expr]   `json:"attributes,omitzero" doc:"Attributes to add to spans."`
	Resources      Map[Expr]   `json:"resources,omitzero" doc:"Attributes of the process, for instance service.name."`
	Remove         []string    `json:"remove,omitzero" doc:"Attributes to leave out."`
	_              struct{}    `oneof:"host,service,backend" later:"service,backend,policies,filter" idle:"parentNotSampled"`
}

// Tollgate are the settings that only tollgate has.
type Tollgate struct {
	Compat  string `json:"compat,omitzero" doc:"agentgateway gives refusals the plain-text bodies of that gateway." enum:",agentgateway"`
	DataDir string `json:"dataDir,omitzero" doc:"Directory for what outlives the process. TOLLGATE_DATA_DIR in the environment wins."`
	// AdminHosts keep pages of other sites from reading the admin listener under a name of theirs.
	AdminHosts []string        `json:"adminHosts,omitzero" doc:"Names that browsers and scrapers without a token call the admin listener by, beside localhost and addresses."`
	Metrics    TollgateMetrics `json:"metrics,omitzero" doc:"Metrics of virtual keys."`
	AccessLog  AccessLog       `json:"accessLog,omitzero" doc:"Where the access log goes."`
	Limits     Limits          `json:"limits,omitzero" doc:"Bounds on what requests and answers may take."`
	// SharedLimits are the limits that select keys by their labels.
	SharedLimits  []SharedLimit `json:"sharedLimits,omitzero" doc:"Limits for many keys at once, selected by their labels."`
	Prices        []File        `json:"prices,omitzero" doc:"Files with prices of models: of tollgate's own form, agentgateway's or LiteLLM's; later ones come first. They are watched."`
	Retention     Retention     `json:"retention,omitzero" doc:"How long what is kept."`
	UnknownCharge string        `json:"unknownCharge,omitzero" doc:"What a request is charged that was sent and never answered: its input, the most that it can have come to, or nothing." enum:"input,bound,nothing" default:"input"`
	CallerLeft    string        `json:"callerLeft,omitzero" doc:"What becomes of an answer whose caller leaves: finish stops a stream that is being generated at once and waits, for at most two seconds, for the usage of one that is not and of an answer that is no stream; stop stops everything at once; wait always waits." enum:"finish,stop,wait" default:"finish"`
	MasterKeyFile string        `json:"masterKeyFile,omitzero" doc:"File with the master key of stored provider credentials: 32 bytes in hexadecimal. TOLLGATE_MASTER_KEY and TOLLGATE_MASTER_KEY_FILE in the environment win."`
	// DrainTimeout is config.connectionTerminationDeadline if it is not given.
	DrainTimeout time.Duration `json:"drainTimeout,omitzero" doc:"How long requests under way may take to finish when the process ends (default: config.connectionTerminationDeadline)."`
	BodyTimeout  time.Duration `json:"bodyTimeout,omitzero" doc:"How long a request body may take to arrive." default:"60s"`
	WriteTimeout time.Duration `json:"writeTimeout,omitzero" doc:"How long a caller may take to accept one piece of an answer." default:"60s"`
}

// Retention is how long what is kept. The ledger and the sums of days are kept for ever.
type Retention struct {
	At       Position      `json:"-"`
	Requests time.Duration `json:"requests,omitzero" doc:"Records of single requests." default:"30d"`
	Hours    time.Duration `json:"hours,omitzero" doc:"Sums of hours." default:"396d"`
}

// TollgateMetrics say what metrics tell of virtual keys.
type TollgateMetrics struct {
	KeyLabels []string `json:"keyLabels,omitzero" doc:"Labels that name the virtual key of a request; none by default." enum:"key_id,key_name"`
	MaxKeys   int      `json:"maxKeys,omitzero" doc:"Distinct keys that the labels name; the others share the value \"other\"." default:"1000" min:"1" max:"100000"`
}

// AccessLog says where the access log goes.
type AccessLog struct {
	Enabled bool `json:"enabled" doc:"Write one line for each request." default:"true"`
	// Format is config.logging.format if it is not given, text if neither is.
	Format string `json:"format,omitzero" doc:"Format of the lines (default: config.logging.format, else text)." enum:"text,json"`
	Path   string `json:"path,omitzero" doc:"File to append to; standard output if empty."`
}

// Limits bound what requests and answers may take, in bytes.
type Limits struct {
	// MaxBodyBytes is frontendPolicies.http.maxBufferSize if it is not given,
	// 33,554,432 if neither is.
	MaxBodyBytes         int64 `json:"maxBodyBytes,omitzero" doc:"Largest request body (default: frontendPolicies.http.maxBufferSize, else 32 MiB)." min:"1"`
	MaxResponseBodyBytes int64 `json:"maxResponseBodyBytes,omitzero" doc:"How much of an answer is kept to read its usage; longer ones pass through." default:"8388608" min:"1"`
	MaxSpoolBytes        int64 `json:"maxSpoolBytes,omitzero" doc:"Largest multipart request, which is spooled to disk." default:"209715200" min:"1"`
}
