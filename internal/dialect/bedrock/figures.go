package bedrock

import (
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// figures is a usage object as it stands on the wire. Its input leaves out what
// the cache read and wrote. Some figures come under two names with one value.
type figures struct {
	input, output, cacheRead, cacheWrite, hour answer.Count
}

// readAll overwrites the figures that a raw object names and tells whether it
// names a sum.
func (f *figures) readAll(object []byte) (named bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			return named
		}
		named = f.read(name, v) || named
	}
}

// read overwrites one figure and tells whether it is a sum.
func (f *figures) read(name, v []byte) (sum bool) {
	switch string(name) {
	case "inputTokens", "inputTokenCount", "inputTextTokenCount", "prompt_token_count":
		return f.input.Read(v)
	case "outputTokens", "outputTokenCount", "totalOutputTextTokenCount", "generation_token_count":
		return f.output.Read(v)
	case "cacheReadInputTokens", "cacheReadInputTokenCount":
		f.cacheRead.Read(v)
	case "cacheWriteInputTokens", "cacheWriteInputTokenCount":
		f.cacheWrite.Read(v)
	case "cacheDetails":
		f.hour = hourWrites(v)
	}
	return false
}

// hourWrites sums what a list of writes by time to live has for an hour.
func hourWrites(list []byte) (hour answer.Count) {
	a := answer.Elements(list)
	for {
		item, ok := a.Next()
		if !ok {
			return hour
		}
		var one answer.Count
		if string(answer.Get(item, "ttl")) == `"1h"` && one.Read(answer.Get(item, "inputTokens")) {
			hour = answer.Count{N: usage.Add(hour.N, one.N), Named: true}
		}
	}
}

// usage brings the figures into the normal form.
func (f *figures) usage() (u usage.Usage) {
	u.InputUncached, u.CacheRead, u.OutputText = f.input.N, f.cacheRead.N, f.output.N
	u.SplitWrites(f.cacheWrite.N, f.hour.N)
	u.Report(usage.CacheRead, f.cacheRead.Named)
	u.Report(usage.CacheWrite, f.cacheWrite.Named)
	return u
}

// HeaderUsage reads the counts that invoke puts into the headers of an answer,
// the only ones for some models. Header looks one up by its name. Source is
// Absent where there are none.
func HeaderUsage(header func(name string) string) (u usage.Usage) {
	const prefix = "X-Amzn-Bedrock-"
	var f figures
	in := f.input.Read([]byte(header(prefix + "Input-Token-Count")))
	out := f.output.Read([]byte(header(prefix + "Output-Token-Count")))
	f.cacheRead.Read([]byte(header(prefix + "Cache-Read-Input-Token-Count")))
	f.cacheWrite.Read([]byte(header(prefix + "Cache-Write-Input-Token-Count")))
	if !in && !out {
		return u
	}
	u = f.usage()
	u.Source = usage.Reported
	return u
}
