package openai

import (
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// shape decides the arithmetic of a usage object.
type shape uint8

const (
	direct    shape = iota // the figures mean what they say
	chat                   // whatever the total has above the prompt is output
	inputOnly              // there is no output; the total may be the only figure
)

// figures is a usage object as servers write it, before any arithmetic: later
// objects of a stream overwrite what they name and leave the rest.
type figures struct {
	prompt, completion, total answer.Count // chat completions, embeddings
	input, output             answer.Count // responses, images, audio

	read         answer.Count // prompt_tokens_details.cached_tokens and its relatives
	readSingular answer.Count // prompt_token_details.cached_tokens
	readHit      answer.Count // prompt_cache_hit_tokens
	readNumbered answer.Count // num_cached_tokens
	readTop      answer.Count // cached_tokens beside the sums

	write, creation, creationHour answer.Count // two names for writes, and the hour's share
	reasoning, reasoningTop       answer.Count

	audioIn, audioRead, audioOut, imageIn, imageOut answer.Count

	searches, toolCalls answer.Count
	seconds             float64
	hasSeconds          bool
	cost                int64
	hasCost             bool
}

// readUsage overwrites the figures that a raw usage object names. The answer tells
// whether it is one: an object without a single figure is not.
func (f *figures) readUsage(object []byte) (named bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			return named
		}
		if !answer.Named(v) {
			continue
		}
		switch string(name) {
		case "prompt_tokens":
			named = f.prompt.Read(v) || named
		case "completion_tokens":
			named = f.completion.Read(v) || named
		case "total_tokens":
			named = f.total.Read(v) || named
		case "input_tokens":
			named = f.input.Read(v) || named
		case "output_tokens":
			named = f.output.Read(v) || named
		case "seconds", "prompt_audio_seconds":
			if s, ok := answer.Float(v); ok {
				f.seconds, f.hasSeconds, named = s, true, true
			}
		default:
			f.readPart(name, v)
		}
	}
}

// readPart reads what refines the sums.
func (f *figures) readPart(name, v []byte) {
	switch string(name) {
	case "prompt_tokens_details", "input_tokens_details", "input_token_details":
		f.readInputDetails(v, &f.read)
	case "prompt_token_details":
		f.readInputDetails(v, &f.readSingular)
	case "completion_tokens_details", "output_tokens_details", "output_token_details":
		f.readOutputDetails(v)
	case "prompt_cache_hit_tokens":
		f.readHit.Read(v)
	case "num_cached_tokens":
		f.readNumbered.Read(v)
	case "cached_tokens":
		f.readTop.Read(v)
	case "reasoning_tokens":
		f.reasoningTop.Read(v)
	case "num_search_queries":
		f.searches.Read(v)
	case "server_tool_use":
		f.searches.Read(answer.Get(v, "web_search_requests"))
	case "num_server_side_tools_used":
		f.toolCalls.Read(v)
	case "cost_in_usd_ticks":
		if n, ok := answer.Int(v); ok {
			f.cost, f.hasCost = n, true
		}
	case "cost":
		f.readCost(v)
	}
}

// readCost reads a bill in USD: a number, or an object with its total.
func (f *figures) readCost(v []byte) {
	if v[0] == '{' {
		v = answer.Get(v, "total_cost")
	}
	const ticks = 1e10 // of a USD
	if usd, ok := answer.Float(v); ok && usd <= usage.MaxFigure/ticks {
		f.cost, f.hasCost = int64(usd*ticks+0.5), true
	}
}

func (f *figures) readInputDetails(object []byte, read *answer.Count) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			return
		}
		switch string(name) {
		case "cached_tokens":
			read.Read(v)
		case "cache_write_tokens":
			f.write.Read(v)
		case "cache_creation_input_tokens":
			f.creation.Read(v)
		case "cache_creation":
			f.creationHour.Read(answer.Get(v, "ephemeral_1h_input_tokens"))
		case "audio_tokens":
			f.audioIn.Read(v)
		case "image_tokens":
			f.imageIn.Read(v)
		case "cached_tokens_details":
			f.audioRead.Read(answer.Get(v, "audio_tokens"))
		}
	}
}

func (f *figures) readOutputDetails(object []byte) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			return
		}
		switch string(name) {
		case "reasoning_tokens":
			f.reasoning.Read(v)
		case "audio_tokens":
			f.audioOut.Read(v)
		case "image_tokens":
			f.imageOut.Read(v)
		}
	}
}

// usage brings the figures into the normal form.
func (f *figures) usage(s shape) (u usage.Usage) {
	input, output := answer.First(f.prompt, f.input), answer.First(f.completion, f.output)
	switch {
	case s == inputOnly && !input.Named:
		input = f.total
	case s == chat && !input.Named && f.total.Named:
		input.N = max(0, f.total.N-output.N)
	case s == chat && f.total.Named && !f.hasSeconds:
		// Some servers leave reasoning out of the completion but not out of the
		// total. Where audio is billed by the second, the rest of the total is audio.
		output.N = max(output.N, f.total.N-input.N)
	}
	read := answer.First(f.readHit, f.readNumbered, f.read, f.readSingular, f.readTop)
	write := answer.First(f.write, f.creation)
	reasoning := answer.First(f.reasoning, f.reasoningTop)

	u.SplitWrites(write.N, f.creationHour.N)
	u.SplitInput(input.N, read.N, u.CacheWrite5m, u.CacheWrite1h)
	u.SplitOutput(output.N, reasoning.N)
	u.InputAudio, u.CacheReadAudio, u.OutputAudio = f.audioIn.N, f.audioRead.N, f.audioOut.N
	u.InputImage, u.OutputImage = f.imageIn.N, f.imageOut.N
	u.WebSearches, u.ToolCalls = f.searches.N, f.toolCalls.N
	u.AudioSeconds = f.seconds
	u.CostTicks, u.HasCost = f.cost, f.hasCost
	u.Senseless = f.prompt.Senseless || f.completion.Senseless || f.total.Senseless || f.input.Senseless || f.output.Senseless

	u.Report(usage.CacheRead, read.Named)
	u.Report(usage.CacheWrite, write.Named)
	u.Report(usage.Reasoning, reasoning.Named)
	u.Report(usage.Audio, f.audioIn.Named || f.audioOut.Named)
	u.Report(usage.Image, f.imageIn.Named || f.imageOut.Named)
	return u
}
