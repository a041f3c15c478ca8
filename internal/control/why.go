package control

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/record"
)

// Why explains to people how a request was answered: what refused it and what would
// help, what each attempt came to, and how its cost is made up.
func (c *Control) Why(ctx context.Context, _ Call, id string) (*admin.Explanation, error) {
	r, err := c.request(ctx, id)
	if err != nil {
		return nil, err
	}
	shown, err := c.shownRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	w := why{request: r, lists: c.parts.Catalog().Layers()}
	w.outcome()
	if r.Refusal != nil {
		w.refusal(r.Refusal, shown.Refusal.Shared)
	} else if help := remedies[r.Code]; help != "" {
		w.say("%s", help)
	}
	if r.Repeated > 0 {
		w.say("%d more requests were refused like this one within a minute. They have no record of their own.", r.Repeated)
	}
	for i := range r.Attempts {
		w.attempt(i, &r.Attempts[i])
	}
	if len(r.Attempts) > 1 {
		w.say("All attempts together cost $%s.", r.Cost)
	}
	return &admin.Explanation{Request: *shown, Sentences: w.sentences}, nil
}

// why puts an explanation together.
type why struct {
	request   *record.Request
	lists     []catalog.Origin // in force now
	sentences []string
}

func (w *why) say(format string, args ...any) {
	w.sentences = append(w.sentences, fmt.Sprintf(format, args...))
}

// remedies say what to do about refusals and failures that are not those of a limit.
var remedies = map[string]string{
	"invalid_api_key":         "The caller presented no virtual key that tollgate knows: it may be mistyped, deleted, or that of another installation.",
	"key_disabled":            "The key is disabled. Enabling it lets its holder in again at once.",
	"key_revoked":             "The key is revoked, which is for ever: give its holder another one.",
	"key_expired":             "The key has expired. A later expires_at brings it back.",
	"model_not_allowed":       "The models that the key may use do not cover this one: edit the key's models to allow it.",
	"operation_not_allowed":   "The operations that the key may use do not cover this one: edit the key's operations to allow it.",
	"address_not_allowed":     "The client's address is in none of the networks from which the key may be used.",
	"model_not_found":         "The configuration has no model of this name.",
	"route_not_found":         "The configuration has no route for this path.",
	"conflicting_credentials": "The caller presented two different credentials in one request: it has to leave one out.",
	"rate_limit_exceeded":     "A rate limit of the configuration had no room.",
	"gateway_unavailable":     "The books could not be kept at that moment, so nothing was admitted.",
	"storage_full":            "The disk of the database was full, so nothing was admitted: make room on it.",
	"upstream_unreachable":    "The provider could not be reached.",
	"upstream_timeout":        "The provider took longer than the configuration allows.",
	"upstream_cut":            "The provider's answer broke off.",
	"upstream_garbage":        "The provider's answer could not be understood.",
}

// outcome says who asked for what, and how that ended.
func (w *why) outcome() {
	r := w.request
	who := "Nobody in particular"
	if r.Key != "" {
		who = fmt.Sprintf("The key %s (%s)", cmp.Or(r.Name, r.Key), r.Key)
	}
	what := cmp.Or(r.Operation, "something")
	if r.Asked != "" {
		what += " with the model " + r.Asked
	}
	w.say("%s asked for %s at %s.", who, what, r.At.UTC().Format(time.RFC3339))
	said := ""
	if r.Message != "" {
		said = ": " + strings.TrimSuffix(r.Message, ".")
	}
	switch r.Outcome {
	case "served":
		w.say("It was answered with status %d in %s.", r.Status, spell(r.Duration))
	case "answered":
		w.say("tollgate answered itself, with status %d.", r.Status)
	case "refused":
		if r.Status < 400 {
			w.say("It was ended while its answer, of status %d, was under way: %s%s.", r.Status, cmp.Or(r.Code, "without a code"), said)
			return
		}
		w.say("It was refused with status %d, %s%s.", r.Status, cmp.Or(r.Code, "without a code"), said)
	case "failed":
		w.say("It failed with status %d, %s%s.", r.Status, cmp.Or(r.Code, "without a code"), said)
	case "cut":
		w.say("The caller left after %s, before the answer had ended.", spell(r.Duration))
	default:
		w.say("tollgate gave it up with status %d, which is a fault of tollgate: its log has more under the request id.", r.Status)
	}
}

// refusal says which limit had no room, what it saw, and what would help. listed tells
// that it is one of the shared limits.
func (w *why) refusal(r *record.Refusal, listed bool) {
	whose := "the key's own"
	switch {
	case r.Shared:
		whose = "one that several keys draw from together"
	case listed:
		whose = "a shared limit that each of its keys has for itself"
	}
	window := " for life"
	if r.Window != "" && r.Window != "life" {
		window = ", window " + r.Window
	}
	if r.Kind == "concurrency" {
		window = ""
	}
	w.say("It met the limit %s (%s): %s%s.", r.Limit, whose, figure(r.Kind, r.Amount), window)
	switch {
	case r.Reason == "unpriced":
	case r.Kind == "concurrency":
		w.say("Under way at that moment: %s.", counted(r.Reserved, "request"))
	default:
		left := max(0, r.Amount-r.Spent-r.Reserved)
		w.say("At that moment it stood at %s spent and %s reserved by requests under way, which left %s; this request asked for %s.",
			figure(r.Kind, r.Spent), figure(r.Kind, r.Reserved), figure(r.Kind, left), figure(r.Kind, r.Asked))
	}
	resets := "The limit never resets."
	if !r.Resets.IsZero() {
		resets = "It resets at " + r.Resets.UTC().Format(time.RFC3339) + "."
	}
	switch r.Reason {
	case "in_flight":
		if r.Kind == "concurrency" {
			w.say("The same request may pass as soon as one of them has ended. If that happens often, raise the limit.")
			return
		}
		w.say("There was room but for requests under way: the same request may pass a moment later. If that happens often, send max_tokens, so that less is set aside for each request, or raise the limit.")
	case "too_large":
		w.say("The request alone may come to more than the limit ever allows: ask for fewer output tokens (max_tokens), send less, or raise the limit.")
	case "unpriced":
		w.say("Nobody knows a price for the model %s, and what may cost anything is not let through a limit on cost. %s", w.model(), givePrice)
	default:
		if r.Kind == "requests" || r.Kind == "concurrency" {
			w.say("Requests pass again as soon as earlier ones no longer count. If that is too few, raise the limit.")
			return
		}
		w.say("%s Raising the limit lets the key go on at once.", resets)
	}
}

// givePrice is what to do about a model without a price.
const givePrice = `Give it one in your own price list (PUT /api/v1/prices/overrides), or declare it free there ("free": true).`

func (w *why) model() string {
	return cmp.Or(w.request.Sent, w.request.Asked, "that was asked for")
}

// attempt says what one try came to and how its cost is made up.
func (w *why) attempt(i int, a *record.Attempt) {
	name := "The attempt"
	if len(w.request.Attempts) > 1 {
		name = fmt.Sprintf("Attempt %d of %d", i+1, len(w.request.Attempts))
	}
	place := a.Provider
	if a.Backend != "" && a.Backend != a.Provider {
		place += " (" + a.Backend + ")"
	}
	switch {
	case a.Error != "":
		w.say("%s with %s for the model %s got no whole answer: %s.", name, place, a.Model, strings.TrimSuffix(a.Error, "."))
	case a.Status >= 400:
		w.say("%s with %s for the model %s was answered with status %d by the provider.", name, place, a.Model, a.Status)
	default:
		w.say("%s with %s for the model %s was answered with status %d after %s.", name, place, a.Model, a.Status, spell(a.Duration))
	}
	if a.Reservation != "" {
		w.say("Up to $%s and %s had been set aside for it (reservation %s).", a.BoundCost, counted(a.BoundTokens, "token"), a.Reservation)
	}
	w.charge(a)
}

// charge says what was charged for an attempt, and why that.
func (w *why) charge(a *record.Attempt) {
	switch a.Price {
	case "unknown":
		if a.Source != "none" {
			w.say("Nobody knows what that cost: no price list has %s/%s. It is counted as a request of unknown price, never as one that cost nothing. %s", a.Provider, a.Model, givePrice)
		}
		return
	case "free":
		w.say("It cost nothing: the model is declared free.")
		return
	}
	if says := sources[a.Source]; says != "" {
		w.say("It cost $%s. %s", a.Cost, says)
	}
	if a.Source == "none" || len(a.Lines) == 0 {
		return
	}
	var sum money.Pico
	for _, l := range a.Lines {
		w.say("%s.", component(&l))
		sum += l.Cost
	}
	if len(a.Lines) > 1 {
		w.say("Together that is $%s, charged in billionths of a dollar.", sum)
	}
	if a.Reservation != "" && a.Cost > a.BoundCost {
		w.say("That is more than had been set aside, by $%s: the limits show it as overrun.", a.Cost.Sub(a.BoundCost))
	}
	w.say("The price was in force when the attempt began: %s.", w.origin(a.Version))
}

// sources say where the figures of a charge come from.
var sources = map[string]string{
	"none":      "The provider did no work for it.",
	"exact":     "The figures are those that the provider reported.",
	"estimated": "The provider reported no figures, so tollgate counted what passed through it.",
	"unknown":   "Nobody knows how far the provider got, so what it may have done is charged.",
	"cut":       "The answer was cut off, so what had been delivered is charged.",
	"rejected":  "What the provider reported made no sense, so what had been set aside is charged.",
}

// quantities are the kinds of what is charged, in words.
var quantities = map[string]string{
	"input": "input tokens", "output": "output tokens", "cacheRead": "input tokens from the cache", "cacheWrite": "tokens written to the cache",
	"cacheWrite1h": "tokens written to the cache for an hour", "reasoning": "reasoning tokens", "inputAudio": "audio input tokens",
	"cacheReadAudio": "audio input tokens from the cache", "outputAudio": "audio output tokens", "inputImage": "image input tokens",
	"cacheReadImage": "image input tokens from the cache", "outputImage": "image output tokens", "character": "characters",
	"webSearch": "web searches", "fileSearch": "file searches", "webFetch": "web fetches", "codeSession": "code sessions", "toolCall": "tool calls",
	"request": "requests", "picture": "pictures", "rerankUnit": "rerank units", "audioHour": "seconds of audio",
}

// component writes one line of a bill: what, at which price, comes to what.
func component(l *record.Line) string {
	per := ""
	if p := perNamed(l.Kind); p != "one" {
		per = " per " + p
	}
	factor := ""
	if l.Factor != "" {
		factor = " × " + l.Factor
	}
	what := cmp.Or(quantities[l.Kind], l.Kind, "something")
	return fmt.Sprintf("%s%s: %s × $%s%s%s = $%s", strings.ToUpper(what[:1]), what[1:], thousands(l.Quantity), l.Price, per, factor, l.Cost)
}

// origin names the lists that a price came from, with their dates where they are still
// in force.
func (w *why) origin(version string) string {
	if version == "" {
		return "no price list is on record"
	}
	var parts []string
	for part := range strings.SplitSeq(version, "+") {
		dated := part + ", which is no longer in force"
		for _, o := range w.lists {
			if o.Source+"@"+o.Version == part {
				dated = part
				if o.Date != "" {
					dated += " of " + o.Date
				}
				break
			}
		}
		parts = append(parts, dated)
	}
	return strings.Join(parts, "; ")
}

// spell writes a duration for people.
func spell(d time.Duration) string {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
