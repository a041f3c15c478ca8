package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
)

func openaiClient(more ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{option.WithBaseURL(gateway + "/v1"), option.WithAPIKey(key)}, more...)...)
}

func chat(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say hello.")},
	}
}

// openaiRefusal runs a call that must fail with the status, and with the code if there is one.
func openaiRefusal(err error, status int, code string) error {
	var refusal *openai.Error
	if !errors.As(err, &refusal) {
		return errors.Join(errNone, err)
	}
	return want(refusal.StatusCode == status && (code == "" || refusal.Code == code),
		"status %d, code %q: %s", refusal.StatusCode, refusal.Code, refusal.Message)
}

func openaiChecks() []check {
	return []check{
		{"openai/chat", func(ctx context.Context) error {
			client := openaiClient()
			answer, err := client.Chat.Completions.New(ctx, chat("simulated"))
			if err != nil {
				return err
			}
			return want(answer.Choices[0].Message.Content != "" && answer.Usage.PromptTokens > 0 && answer.Usage.CompletionTokens > 0,
				"answer %s", answer.RawJSON())
		}},
		{"openai/stream", openaiStream},
		{"openai/stream-usage", func(ctx context.Context) error {
			client := openaiClient()
			params := chat("simulated")
			params.StreamOptions.IncludeUsage = openai.Bool(true)
			stream := client.Chat.Completions.NewStreaming(ctx, params)
			var last openai.ChatCompletionChunk
			for stream.Next() {
				last = stream.Current()
			}
			if err := stream.Err(); err != nil {
				return err
			}
			return want(last.Usage.CompletionTokens > 0, "last chunk %s", last.RawJSON())
		}},
		{"openai/responses", func(ctx context.Context) error {
			client := openaiClient()
			answer, err := client.Responses.New(ctx, responses.ResponseNewParams{
				Model: "scripted", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Say hello.")},
			})
			if err != nil {
				return err
			}
			return want(answer.OutputText() == hello && answer.Usage.TotalTokens == 19, "answer %s", answer.RawJSON())
		}},
		{"openai/responses-stream", openaiResponsesStream},
		{"openai/embeddings", func(ctx context.Context) error {
			client := openaiClient()
			answer, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
				Model: "scripted", Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("hello")},
			})
			if err != nil {
				return err
			}
			return want(slices.Equal(answer.Data[0].Embedding, []float64{0.25, -0.5}), "answer %s", answer.RawJSON())
		}},
		{"openai/models", func(ctx context.Context) error {
			client := openaiClient()
			models := client.Models.ListAutoPaging(ctx)
			for models.Next() {
				if models.Current().ID == "simulated" {
					return nil
				}
			}
			return errors.Join(errors.New("the model is not listed"), models.Err())
		}},
		{"openai/transcription", func(ctx context.Context) error {
			client := openaiClient()
			answer, err := client.Audio.Transcriptions.New(ctx, openai.AudioTranscriptionNewParams{
				Model: "scripted", File: openai.File(io.Reader(strings.NewReader("RIFF")), "sound.wav", "audio/wav"),
			})
			if err != nil {
				return err
			}
			return want(answer.Text == "Hello", "answer %s", answer.RawJSON())
		}},
		{"openai/bad-key", func(ctx context.Context) error {
			client := openaiClient(option.WithAPIKey("sk-wrong"))
			_, err := client.Chat.Completions.New(ctx, chat("simulated"))
			return openaiRefusal(err, 401, "invalid_api_key")
		}},
		{"openai/unknown-model", func(ctx context.Context) error {
			client := openaiClient()
			_, err := client.Chat.Completions.New(ctx, chat("no-such-model"))
			return openaiRefusal(err, 404, "model_not_found")
		}},
		{"openai/rate-limit", func(ctx context.Context) error {
			client := openaiClient(option.WithBaseURL(limited+"/v1"), option.WithMaxRetries(0))
			_, err := client.Chat.Completions.New(ctx, chat("simulated"))
			return openaiRefusal(err, 429, "rate_limit_exceeded")
		}},
		{"openai/no-retry", func(ctx context.Context) error {
			client := openaiClient(option.WithMaxRetries(3))
			_, err := client.Chat.Completions.New(ctx, chat("no-retry"))
			return openaiRefusal(err, 429, "")
		}},
		{"openai/budget", func(ctx context.Context) error { // the test counts the calls
			client := openaiClient(option.WithBaseURL(budgeted+"/v1"), option.WithAPIKey(exhaustedKey+"-openai"))
			params := chat("dear")
			params.MaxTokens = openai.Int(9)
			_, err := client.Chat.Completions.New(ctx, params)
			return openaiRefusal(err, 429, "budget_exceeded")
		}},
		{"openai/paced", func(ctx context.Context) error { // waits as it is told, and tries again
			client := openaiClient(option.WithBaseURL(budgeted+"/v1"), option.WithAPIKey(pacedKey+"-openai"))
			for range 2 {
				if _, err := client.Chat.Completions.New(ctx, chat("simulated")); err != nil {
					return err
				}
			}
			return nil
		}},
		{"openai/broken-stream", func(ctx context.Context) error {
			client := openaiClient(option.WithMaxRetries(0))
			stream := client.Chat.Completions.NewStreaming(ctx, chat("broken"))
			for stream.Next() {
			}
			return want(stream.Err() != nil, "the stream ended as if it were complete")
		}},
	}
}

func openaiStream(ctx context.Context) error {
	client := openaiClient()
	stream := client.Chat.Completions.NewStreaming(ctx, chat("simulated"))
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		chunk := stream.Current()
		all.AddChunk(chunk)
		if len(chunk.Choices) == 0 || chunk.Usage.TotalTokens != 0 {
			return errors.New("usage that was not asked for: " + chunk.RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return want(all.Choices[0].Message.Content != "" && all.Choices[0].FinishReason == "stop", "answer %+v", all.ChatCompletion)
}

func openaiResponsesStream(ctx context.Context) error {
	client := openaiClient()
	stream := client.Responses.NewStreaming(ctx, responses.ResponseNewParams{
		Model: "scripted", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Say hello.")},
	})
	text, last := "", ""
	for stream.Next() {
		event := stream.Current()
		last = event.Type
		if event.Type == "response.output_text.delta" {
			text += event.Delta
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return want(text == hello && last == "response.completed", "text %q, last event %q", text, last)
}
