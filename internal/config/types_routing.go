package config

// Gateway is a port with its listeners.
type Gateway struct {
	At        Position         `json:"-"`
	Port      int              `json:"port" doc:"Port to listen on." required:"true" min:"1" max:"65535"`
	Protocol  string           `json:"protocol,omitzero" doc:"Protocol of the listeners that do not say." enum:"HTTP,HTTPS,TCP,TLS"`
	TLS       *ServerTLS       `json:"tls,omitzero" doc:"TLS of the listeners that have none of their own."`
	Listeners []Listener       `json:"listeners,omitzero" doc:"Listeners by host name; one for all hosts if left out."`
	Policies  *GatewayPolicies `json:"policies,omitzero" doc:"What a request must pass before a route is chosen. Load moves them to the fields beside it."`
	GatewayPolicies
	BindAddress string `json:"bindAddress,omitzero" doc:"IP address to listen on; all if left out."`
}

// GatewayPolicies are checked before a route is chosen.
type GatewayPolicies struct {
	APIKey        *APIKeys       `json:"apiKey,omitzero" doc:"Virtual keys."`
	Authorization *Authorization `json:"authorization,omitzero" doc:"Rules in CEL that decide who may pass."`
	CORS          *CORS          `json:"cors,omitzero" doc:"Answers to browsers."`
	_             struct{}       `later:"oidc,jwtAuth,basicAuth,extAuthz,extProc,transformations"`
}

// Bind is a port with its listeners and their routes.
type Bind struct {
	At        Position   `json:"-"`
	Port      int        `json:"port" doc:"Port to listen on." required:"true" min:"1" max:"65535"`
	Listeners []Listener `json:"listeners" doc:"Listeners by host name." required:"true"`
	Mode      string     `json:"mode,omitzero" doc:"Only standard is supported." enum:"standard"`
	Tunnel    string     `json:"tunnelProtocol,omitzero" doc:"Only direct is supported." enum:"direct"`
	_         struct{}   `later:"protocol"`
}

// Listener serves some host names of a port.
type Listener struct {
	At Position `json:"-"`
	// Name is "listener0" and so on if the configuration gives none.
	Name      string `json:"name,omitzero" doc:"Name for references, metrics and logs."`
	Namespace string `json:"namespace,omitzero" doc:"Namespace for metrics and logs."`
	Hostname  string `json:"hostname,omitzero" doc:"Host name, or *.name; all hosts if left out."`
	// Protocol is HTTP or HTTPS once loaded, for a listener that is served.
	Protocol string          `json:"protocol,omitzero" doc:"HTTP if left out." enum:"HTTP,HTTPS,TLS,TCP,HBONE"`
	TLS      *ServerTLS      `json:"tls,omitzero" doc:"Certificate of the listener."`
	Routes   []Route         `json:"routes,omitzero" doc:"Routes of the listener; for a gateway they stand at the top level instead."`
	Policies GatewayPolicies `json:"policies,omitzero" doc:"What a request must pass before a route is chosen."`
	// GatewayPolicies are those of a listener of a gateway, which has them beside
	// policies. Load moves them there.
	GatewayPolicies
	// Unserved tells why the listener is left out, "" if it is not.
	Unserved string   `json:"-"`
	_        struct{} `aside:"tcpRoutes"`
}

// ServerTLS is the certificate of a listener.
type ServerTLS struct {
	At   Position `json:"-"`
	Cert File     `json:"cert" doc:"PEM file with the certificate and its chain." required:"true"`
	Key  File     `json:"key" doc:"PEM file with the private key." required:"true"`
	Root File     `json:"root,omitzero" doc:"PEM file with the authorities whose client certificates are required."`
	Min  string   `json:"minTLSVersion,omitzero" also:"minTlsVersion" doc:"Lowest version." enum:"TLS_V1_2,TLS_V1_3"`
	Max  string   `json:"maxTLSVersion,omitzero" also:"maxTlsVersion" doc:"Highest version." enum:"TLS_V1_2,TLS_V1_3"`
	_    struct{} `later:"mode,cipherSuites,keyExchangeGroups,spiffe"`
}

// Route is what happens to the requests that match it.
type Route struct {
	At Position `json:"-"`
	// Name is "route0" and so on if the configuration gives none.
	Name      string `json:"name,omitzero" doc:"Name for metrics and logs."`
	Namespace string `json:"namespace,omitzero" doc:"Namespace for metrics and logs."`
	RuleName  string `json:"ruleName,omitzero" doc:"Name of the rule for metrics and logs."`
	// Gateways are for routes at the top level. Load fills in the gateway
	// called default if the configuration names none.
	Gateways  GatewayRefs `json:"gateways,omitzero" doc:"Gateways to attach to, for a route at the top level: name or name/listener, one or a list."`
	Hostnames []string    `json:"hostnames,omitzero" doc:"Host names, or *.name; all hosts if left out."`
	// Matches has at least one element once loaded.
	Matches  []RouteMatch   `json:"matches,omitzero" doc:"Conditions, one of which must hold; every path if left out."`
	Policies RoutePolicies  `json:"policies,omitzero" doc:"What the route does to requests and answers."`
	Backends []RouteBackend `json:"backends,omitzero" doc:"Where requests go, by weight."`
	// Unserved tells why requests of the route cannot be served, "" if they can; Status is
	// what they are answered with, 503 if it is 0.
	Unserved string `json:"-"`
	Status   int    `json:"-"`
}

// RouteMatch is a set of conditions that must all hold.
type RouteMatch struct {
	At      Position     `json:"-"`
	Path    PathMatch    `json:"path,omitzero" doc:"Path; / and everything below it if left out."`
	Method  string       `json:"method,omitzero" doc:"Method, for instance POST."`
	Headers []ValueMatch `json:"headers,omitzero" doc:"Headers to compare."`
	Query   []ValueMatch `json:"query,omitzero" doc:"Query parameters to compare."`
}

// PathMatch compares the path: exactly one of its fields is set.
type PathMatch struct {
	At     Position `json:"-"`
	Exact  string   `json:"exact,omitzero" doc:"The whole path."`
	Prefix string   `json:"pathPrefix,omitzero" doc:"Whole segments from the start."`
	Regex  string   `json:"regex,omitzero" pair:"true" doc:"Regular expression (RE2) for the whole path."`
	_      struct{} `oneof:"exact,pathPrefix,regex"`
}

// ValueMatch compares a header or a query parameter.
type ValueMatch struct {
	At    Position  `json:"-"`
	Name  string    `json:"name" doc:"Name of the header or parameter." required:"true"`
	Value TextMatch `json:"value" doc:"What it must be." required:"true"`
}

// TextMatch compares a text: exactly one of its fields is set.
type TextMatch struct {
	At    Position `json:"-"`
	Exact *string  `json:"exact,omitzero" doc:"The whole text."`
	Regex *string  `json:"regex,omitzero" doc:"Regular expression (RE2) for the whole text."`
	_     struct{} `oneof:"exact,regex"`
}

// RouteBackend is one choice of a route.
type RouteBackend struct {
	At       Position        `json:"-"`
	Weight   int             `json:"weight" doc:"Share of the requests." default:"1" min:"0" max:"1000000"`
	Policies BackendPolicies `json:"policies,omitzero" doc:"How requests to the backend are made."`
	AI       *AIBackend      `json:"ai,omitzero" doc:"Providers of models."`
	Backend  string          `json:"backend,omitzero" doc:"Name among the top-level backends."`
	Host     HostPort        `json:"host,omitzero" doc:"host:port of a plain HTTP server, which gets requests as they are."`
	// Endpoints are the addresses of a plain HTTP service, any of which may answer. Load
	// fills it with Host.
	Endpoints []HostPort `json:"-"`
	// Unserved tells why the backend cannot be served, "" if it can; Status is what requests
	// to it are answered with, 503 if it is 0.
	Unserved string   `json:"-"`
	Status   int      `json:"-"`
	_        struct{} `oneof:"ai,backend,host,mcp,service,internal,dynamic,aws,routeGroup" aside:"mcp" later:"service,internal,dynamic,aws,routeGroup"`
}

// NamedBackend is a backend that routes refer to.
type NamedBackend struct {
	At       Position        `json:"-"`
	Name     string          `json:"name" doc:"Name for references." required:"true"`
	Policies BackendPolicies `json:"policies,omitzero" doc:"How requests to the backend are made."`
	AI       *AIBackend      `json:"ai,omitzero" doc:"Providers of models."`
	Host     HostPort        `json:"host,omitzero" doc:"host:port of a plain HTTP server, which gets requests as they are."`
	// Unserved tells why the backend cannot be served, "" if it can.
	Unserved string   `json:"-"`
	_        struct{} `oneof:"ai,host,mcp,internal,dynamic,aws" aside:"mcp" later:"internal,dynamic,aws"`
}

// AIBackend is a provider, or groups of them in order of priority. The single
// form is one group of one.
type AIBackend struct {
	At     Position  `json:"-"`
	Groups []AIGroup `json:"groups"`
}

// AIGroup are providers of equal priority.
type AIGroup struct {
	At        Position     `json:"-"`
	Providers []AIProvider `json:"providers" doc:"Providers of equal priority." required:"true"`
}

// AIProvider is one provider of a backend.
type AIProvider struct {
	At           Position        `json:"-"`
	Name         string          `json:"name,omitzero" doc:"Name for metrics and logs."`
	Provider     Provider        `json:"provider" doc:"What kind of provider it is." required:"true"`
	HostOverride HostPort        `json:"hostOverride,omitzero" doc:"host:port to send to."`
	PathOverride string          `json:"pathOverride,omitzero" doc:"Path to send to."`
	PathPrefix   string          `json:"pathPrefix,omitzero" doc:"Base path instead of the usual one."`
	Tokenize     bool            `json:"tokenize,omitzero" doc:"Count the tokens of a request before it is admitted."`
	OutputBound  string          `json:"outputBound,omitzero" doc:"Member in which a chat request bounds its output, where the provider does not know both: what a client sent in the other one is moved there." enum:"max_tokens,max_completion_tokens"`
	Policies     BackendPolicies `json:"policies,omitzero" doc:"How requests to the provider are made."`
	// Headers are lines that requests to the provider have whatever policies say of others,
	// instead of the caller's of the same name.
	Headers Map[string] `json:"-"`
	// BackendPolicies may stand beside policies too. Load moves them there.
	BackendPolicies
}
