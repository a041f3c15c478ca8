package telemetry

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/gateway"
)

// Options are what a Recorder is made of.
type Options struct {
	Settings Settings
	// Version is shown in the build information and as the version of the
	// service in traces.
	Version string
	// AccessLog is where the lines of the access log go; nil for nowhere.
	AccessLog io.Writer
	// AccessLogBuffer bounds the log lines that wait for the writer, in bytes;
	// 0 means 1 MiB.
	AccessLogBuffer int
	// Log is told when traces cannot be exported; nil for nobody.
	Log *slog.Logger
}

// Settings are what a reload can change.
type Settings struct {
	// Fields names the extra labels of metrics and the extra fields of the
	// access log, in the order of the values in an Exchange.
	Fields gateway.FieldNames
	// KeyLabels adds key_id, key_name or both to the metrics of requests, tokens and
	// refusals.
	KeyLabels []string
	// Models are the configured model names. They always keep a label value of
	// their own, whatever else clients ask for.
	Models []string
	Bounds Bounds
	// RemovedMetrics are not exposed. Names are understood with and without the
	// prefix agentgateway_ and the endings of a unit and _total.
	RemovedMetrics []string
	// RemovedLogFields are left out of the access log.
	RemovedLogFields []string
	LogFormat        Format
	Tracing          Tracing
}

// Bounds limit how many metric series clients can bring about. What goes beyond
// is counted under the label value "other".
type Bounds struct {
	Models      int // distinct names of models that are not configured, asked and served together; 0 means 200
	Keys        int // distinct virtual keys; 0 means 1000
	FieldValues int // distinct values of each extra field; 0 means 2000
	Series      int // distinct sets of label values; 0 means 10000
}

func (b Bounds) withDefaults() Bounds {
	b.Models = orDefault(b.Models, 200)
	b.Keys = orDefault(b.Keys, 1000)
	b.FieldValues = orDefault(b.FieldValues, 2000)
	b.Series = orDefault(b.Series, 10_000)
	return b
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// Figure is something that another part of the program counts or measures.
type Figure struct {
	Name, Help string
	Value      func() float64 // called at every scrape, from anywhere
	Counts     bool           // it only ever grows
}

// Recorder reads exchanges. It is the gateway's Recorder and its Tracer; both
// must be the same one, since the exchanges in flight are those that Begin saw
// and Record did not.
type Recorder struct {
	fixed   *fixed
	log     *queue // nil: no access log
	tracer  *tracer
	begun   atomic.Int64
	done    atomic.Int64
	live    atomic.Pointer[reading]
	applied sync.Mutex // held while settings change
}

// reading is everything that settings decide.
type reading struct {
	meters *meters
	lines  *lines
	hidden map[string]bool // bare names of removed metrics
}

var (
	_ gateway.Recorder = (*Recorder)(nil)
	_ gateway.Tracer   = (*Recorder)(nil)
)

// New makes a Recorder. It fails if the settings are not valid.
func New(o Options) (*Recorder, error) {
	r := &Recorder{tracer: newTracer(o.Version, o.Log)}
	if o.AccessLog != nil {
		r.log = newQueue(o.AccessLog, o.AccessLogBuffer)
	}
	r.fixed = newFixed(o.Version, r.inFlight, r.droppedLines)
	if err := r.Apply(o.Settings); err != nil {
		return nil, err
	}
	return r, nil
}

// Apply puts other settings in force; see the package comment for what becomes
// of the counts. On error nothing changes.
func (r *Recorder) Apply(s Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	r.applied.Lock()
	defer r.applied.Unlock()
	next := &reading{lines: newLines(&s), hidden: map[string]bool{}}
	for _, name := range s.RemovedMetrics {
		next.hidden[bareName(name)] = true
	}
	labels := s.extraLabels()
	var kept *vectors
	if now := r.live.Load(); now != nil && now.meters.vectors.hasLabels(labels) {
		kept = now.meters.vectors
	} else {
		kept = newVectors(labels)
	}
	next.meters = newMeters(&s, kept, r.fixed)
	r.live.Store(next)
	r.tracer.configure(s.Tracing)
	return nil
}

// Begin counts an exchange in and starts its trace, if it has one.
func (r *Recorder) Begin(traceParent, traceState string) gateway.Span {
	r.begun.Add(1)
	return r.tracer.begin(traceParent, traceState)
}

// Record reads an exchange that is over. It does no I/O and keeps nothing of x.
func (r *Recorder) Record(x *gateway.Exchange) {
	r.done.Add(1)
	now := r.live.Load()
	now.meters.record(x)
	if r.log != nil {
		line := lineBuffers.Get().(*[]byte)
		*line = now.lines.append((*line)[:0], x)
		r.log.put(*line)
		lineBuffers.Put(line)
	}
	if s, ok := x.Span.(*span); ok {
		r.tracer.finish(s, x)
	}
}

// lineBuffers are lent to one Record each, for one line.
var lineBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 1024)
	return &b
}}

func (r *Recorder) inFlight() float64 { return float64(r.begun.Load() - r.done.Load()) }

func (r *Recorder) droppedLines() float64 {
	if r.log == nil {
		return 0
	}
	return float64(r.log.dropped.Load())
}

// Run writes the access log and exports traces until ctx is over; then it
// writes what is left, for a few seconds at most. It must be started once, and
// stopped after the last exchange. It returns an error only if what was left
// could not be written.
func (r *Recorder) Run(ctx context.Context) error {
	traces := make(chan struct{})
	go func() {
		defer close(traces)
		r.tracer.run(ctx)
	}()
	var err error
	if r.log != nil {
		err = r.log.run(ctx, func(now time.Time, lost int64) []byte {
			return r.live.Load().lines.lost(now, lost)
		})
	}
	<-traces
	return err
}

// Loaded notes that the configuration was read: whether it is now in force
// (err == nil), or an older one still is.
func (r *Recorder) Loaded(err error) { r.fixed.loaded(err, time.Now()) }

// Connections gives a function for http.Server.ConnState that counts the
// connections of one bind. protocol is "http" or "https".
func (r *Recorder) Connections(bind, gatewayName, listener, protocol string) func(net.Conn, http.ConnState) {
	return r.fixed.connections(bind, gatewayName, listener, protocol)
}
