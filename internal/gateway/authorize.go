package gateway

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/routing"
)

// authorize finds out what is asked for and whether this caller may have it.
// Its result is the order of targets. It reports done if the request has been
// answered on the way: the list of models, or a direct response.
func (g *Gateway) authorize(x *exchange) (done bool, err error) {
	switch {
	case x.route.Direct != nil:
		x.answerDirect(x.route.Direct)
		return true, nil
	case x.route.Unserved != "":
		return false, unserved("backend_unsupported", x.route.Unserved, x.route.Status)
	case x.route.Redirect != nil:
		x.answerRedirect(x.route.Redirect)
		return true, nil
	}
	if err := x.chooseBackend(); err != nil {
		return false, err
	}
	if x.entry != nil && x.Operation != dialect.Models && !x.entry.MayCall(x.Operation) {
		return false, &fault.Error{Kind: fault.Forbidden, Code: "operation_not_allowed", Reason: "Authorization", Retry: fault.RetryNo,
			Message: "This virtual key may not be used for " + x.Operation.String() + "."}
	}
	switch {
	case x.plain():
		return false, g.authorizePlain(x)
	case x.Operation == dialect.Models:
		if err := x.permittedLate(); err != nil {
			return false, err
		}
		return true, g.listModels(x)
	}
	if err := x.readBody(); err != nil {
		return false, err
	}
	x.ModelAsked = x.peeked.Model
	x.Streamed = x.peeked.Stream
	x.MaxTokens, x.Temperature, x.HasTemperature = x.peeked.MaxTokens, x.peeked.Temperature, x.peeked.HasTemperature
	if background(&x.peeked, x) {
		return false, &fault.Error{Kind: fault.Invalid, Code: "background_unsupported", Param: "background",
			Message: "Background responses end after the gateway's books on them are closed, so they are not served. Leave background out, or stream."}
	}
	if err := x.permittedLate(); err != nil {
		return false, err
	}
	groups, err := x.resolve()
	if err != nil {
		return false, err
	}
	x.order = routing.Order(x.order[:0], groups, g.now(), nil)
	if err := x.checkTargets(); err != nil {
		return false, err
	}
	return false, x.checkAlternatives()
}

// readBody reads the body and just enough of it: JSON where the operation has
// it, the fields of a form where it is a form.
func (x *exchange) readBody() error {
	if x.req.Body == nil {
		if x.mayPassUnread() {
			x.unread = true
			return nil
		}
		if x.Operation == dialect.Passthrough && (x.req.Method == http.MethodGet || x.req.Method == http.MethodHead) {
			return notFound("There is nothing at this path. The gateway serves, among others, POST /v1/chat/completions, "+
				"POST /v1/messages and GET /v1/models.", "route not found")
		}
		return fault.New(fault.Invalid, "invalid_request_body", "The request has no body. Send a JSON object.")
	}
	kind := x.req.Header.Get("Content-Type")
	if hasMediaType(kind, "multipart/form-data") && takesForm(x.Operation) {
		spooled, err := request.PeekMultipart(x.req.Body, kind, x.snap.Form)
		if err != nil {
			return err
		}
		x.spooled = spooled
		x.peeked.Model, x.peeked.HasModel, x.peeked.Stream = spooled.Model, spooled.HasModel, spooled.Stream
		_, x.BytesIn = spooled.Open("")
		return nil
	}
	x.buffer = getBuffer()
	body, err := readAll((*x.buffer)[:0], x.req.Body, x.req.Length, x.snap.MaxBody)
	*x.buffer = body
	x.BytesIn = int64(len(body))
	if err != nil {
		return err
	}
	x.body = body
	err = request.Peek(x.Operation, body, &x.peeked)
	if err != nil && !isObject(body) && x.mayPassUnread() {
		x.peeked, x.unread = request.Peeked{}, true
		return nil
	}
	return err
}

// takesForm tells the operations that may be asked for with a form. What is asked for
// in JSON must be JSON: nothing that bounds it could be found in a form.
func takesForm(op dialect.Operation) bool {
	return op == dialect.Images || op == dialect.Transcriptions || op == dialect.Passthrough
}

// isObject tells that a body is meant to be a JSON object: then it is one that
// can be read in one way, or refused.
func isObject(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n\ufeff")
	return len(body) > 0 && body[0] == '{'
}

// mayPassUnread tells whether a request may pass although its body says nothing
// that is understood: on a route that does not choose by model, for a
// caller who is not bound to models.
func (x *exchange) mayPassUnread() bool {
	return x.Operation == dialect.Passthrough && x.route.Models == nil && !x.Caller.ModelsSet
}

// resolve finds the groups of targets for what was asked.
func (x *exchange) resolve() ([][]Choice, error) {
	if ai := x.route.AI; ai != nil && x.peeked.Model != "" {
		for i := range ai.Aliases {
			if ai.Aliases[i].Pattern.Match(x.peeked.Model) {
				x.resolvedModel = ai.Aliases[i].Model
				break
			}
		}
	}
	if err := x.mayUse(x.ModelAsked, x.ModelAsked); err != nil {
		return nil, err
	}
	if x.resolvedModel != "" && !x.snap.Plain {
		if err := x.mayUse(x.resolvedModel, x.ModelAsked); err != nil {
			return nil, err
		}
	}
	if x.route.Models != nil {
		return x.route.Models.resolve(x)
	}
	return x.backend.Groups, nil
}

// mayUse checks a model name against the caller's key.
func (x *exchange) mayUse(model, asked string) error {
	if x.Caller.MayUse(model) {
		return nil
	}
	return x.notAllowed(asked, model != asked)
}

// notAllowed refuses a model for what it is called, or for what that leads to.
func (x *exchange) notAllowed(asked string, leads bool) error {
	e := &fault.Error{Kind: fault.Forbidden, Code: "model_not_allowed", Retry: fault.RetryNo, Reason: "Authorization", Param: "model",
		Message: "This virtual key may not use the model " + strconv.Quote(asked) + ". GET /v1/models lists what it may.",
		Plain:   "Model is not allowed for this API key"}
	if leads {
		e.Message = "The model " + strconv.Quote(asked) + " leads to one that this virtual key may not use."
	}
	return e
}

// checkTargets refuses what none of the targets understands, and leaves out
// those that do not.
func (x *exchange) checkTargets() error {
	kept := x.order[:0]
	var refused *Target
	var denied, untranslated error
	for _, c := range x.order {
		switch {
		case !x.snap.Plain && !x.Caller.MayReach(c.model(x.modelWanted())):
			denied = x.notAllowed(x.ModelAsked, true)
		case x.Operation == dialect.Passthrough || c.Operations.Has(x.Operation):
			kept = append(kept, c)
		case x.translates(c):
			if _, err := x.translate(c); err != nil {
				untranslated = err
			} else {
				kept = append(kept, c)
			}
		default:
			refused = c.Target
		}
	}
	x.order = kept
	if len(kept) > 0 {
		if x.ModelAsked == "" && x.resolvedModel == "" && needsModel(x.Operation) && kept[0].model("") == "" {
			return missingModel()
		}
		return nil
	}
	if denied != nil {
		return denied
	}
	if untranslated != nil {
		return untranslated
	}
	if refused == nil {
		return fault.New(fault.Unavailable, "no_backend", "No target is configured for this route.")
	}
	return &fault.Error{Kind: fault.Invalid, Code: "translation_unsupported",
		Message: "The provider of this model (" + refused.Provider + ") does not speak the API that was called (" +
			x.Dialect.String() + " " + x.Operation.String() + "), and of all requests only chat completions are translated, into Anthropic's messages. Call the model through its provider's own API.",
		Plain: "failed to process LLM request: unsupported conversion"}
}

func needsModel(op dialect.Operation) bool {
	switch op {
	case dialect.Chat, dialect.Completions, dialect.Embeddings, dialect.Messages, dialect.CountTokens, dialect.Rerank,
		dialect.Transcriptions, dialect.Speech:
		return true
	default:
		return false
	}
}

func missingModel() *fault.Error {
	return &fault.Error{Kind: fault.Invalid, Code: "missing_model", Param: "model",
		Message: "The request names no model. Set the member \"model\" of its JSON body."}
}

// answerDirect sends what the configuration says.
func (x *exchange) answerDirect(d *Direct) {
	x.Outcome, x.Reason = Answered, "DirectResponse"
	h := x.out.Header()
	if d.Body != "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
	x.route.ResponseHeaders.Apply(h)
	x.respond(d.Status, []byte(d.Body))
}

// listModels answers with what this caller can ask for.
func (g *Gateway) listModels(x *exchange) error {
	if x.req.Method != http.MethodGet && x.req.Method != http.MethodHead {
		return fault.New(fault.Invalid, "invalid_method", "The list of models is read with GET.")
	}
	models := x.route.Models
	if models == nil {
		return &fault.Error{Kind: fault.NotFound, Code: "models_unavailable",
			Message: "This route has no list of models. It serves whatever model its backend does."}
	}
	d := dialect.OpenAI
	if x.req.Header.Get("Anthropic-Version") != "" {
		d = dialect.Anthropic
	}
	if _, name, ok := strings.Cut(x.path, "/models/"); ok && name != "" && !x.snap.Plain {
		return x.oneModel(models, d, name)
	}
	var entries []reply.ModelEntry
	var names []string
	for _, listed := range models.Listed {
		if listed.Entry != nil && !(listed.Entry.permits(x) && x.mayReachEntry(listed.Entry)) {
			continue
		}
		names = x.Caller.ListModels(names[:0], listed.Name)
		for _, name := range names {
			if slices.ContainsFunc(entries, func(e reply.ModelEntry) bool { return e.ID == name }) {
				continue
			}
			entries = append(entries, reply.ModelEntry{ID: name, Created: models.Created})
		}
	}
	x.Outcome, x.Reason = Answered, "DirectResponse"
	g.tellStandings(x, nil)
	x.out.Header().Set("Content-Type", "application/json")
	x.respond(http.StatusOK, reply.Models(nil, d, entries))
	return nil
}

// mayReachEntry tells whether the key lets what an entry always asks its provider for be asked for.
func (x *exchange) mayReachEntry(m *Model) bool {
	return x.snap.Plain || m.Target.Model == "" || x.Caller.MayReach(m.Target.Model)
}

// oneModel answers whether this caller can ask for a model, by its name.
func (x *exchange) oneModel(models *Models, d dialect.Dialect, name string) error {
	served := models.Virtual[name] != nil || slices.ContainsFunc(models.Entries, func(m *Model) bool {
		return !m.Internal && m.Pattern.Match(name) && m.permits(x) && x.mayReachEntry(m)
	})
	if !served || !x.Caller.MayUse(name) {
		return modelNotFound(name)
	}
	x.Outcome, x.Reason = Answered, "DirectResponse"
	x.out.Header().Set("Content-Type", "application/json")
	x.respond(http.StatusOK, reply.Model(nil, d, reply.ModelEntry{ID: name, Created: models.Created}))
	return nil
}

// background tells whether an answer was asked for that is to be fetched later.
func background(p *request.Peeked, x *exchange) bool {
	if x.Operation != dialect.Responses {
		return false
	}
	v, ok := p.Value(x.body, "background")
	return ok && string(v) == "true"
}
