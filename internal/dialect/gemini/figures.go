package gemini

import (
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// figures is a usageMetadata object as it stands on the wire: the prompt
// includes what came from a cache, the candidates leave thoughts out.
type figures struct {
	prompt, toolPrompt, cached answer.Count
	candidates, response       answer.Count // response: the live API's name
	thoughts, total            answer.Count

	audioIn, audioCached, audioOut answer.Count
	imageIn, imageOut              answer.Count
}

// read overwrites the figure of that name and tells whether it is a count of
// tokens. An object without one, as in the chunks before the last on Vertex, is
// no usage.
func (f *figures) read(name, v []byte) (count bool) {
	switch string(name) {
	case "promptTokenCount":
		return f.prompt.Read(v)
	case "toolUsePromptTokenCount":
		return f.toolPrompt.Read(v)
	case "cachedContentTokenCount":
		return f.cached.Read(v)
	case "candidatesTokenCount":
		return f.candidates.Read(v)
	case "responseTokenCount":
		return f.response.Read(v)
	case "thoughtsTokenCount":
		return f.thoughts.Read(v)
	case "totalTokenCount":
		return f.total.Read(v)
	case "promptTokensDetails":
		f.audioIn, f.imageIn = modalities(v)
	case "cacheTokensDetails":
		f.audioCached, _ = modalities(v)
	case "candidatesTokensDetails", "responseTokensDetails":
		f.audioOut, f.imageOut = modalities(v)
	}
	return false
}

// modalities reads a list of counts by modality.
func modalities(list []byte) (audio, image answer.Count) {
	a := answer.Elements(list)
	for {
		item, ok := a.Next()
		if !ok {
			return audio, image
		}
		switch string(answer.Get(item, "modality")) {
		case `"AUDIO"`:
			audio.Read(answer.Get(item, "tokenCount"))
		case `"IMAGE"`:
			image.Read(answer.Get(item, "tokenCount"))
		}
	}
}

// usage brings the figures into the normal form.
func (f *figures) usage() (u usage.Usage) {
	visible := answer.First(f.candidates, f.response)
	u.SplitInput(usage.Add(f.prompt.N, f.toolPrompt.N), f.cached.N, 0, 0)
	u.OutputText, u.OutputReasoning = visible.N, f.thoughts.N
	u.InputAudio, u.CacheReadAudio, u.OutputAudio = f.audioIn.N, f.audioCached.N, f.audioOut.N
	u.InputImage, u.OutputImage = f.imageIn.N, f.imageOut.N
	u.Report(usage.CacheRead, f.cached.Named)
	u.Report(usage.Reasoning, f.thoughts.Named)
	u.Report(usage.Audio, f.audioIn.Named || f.audioOut.Named)
	u.Report(usage.Image, f.imageIn.Named || f.imageOut.Named)
	return u
}
