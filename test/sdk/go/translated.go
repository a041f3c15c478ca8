package main

import (
	"context"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// translatedChecks are chat completions at a provider that speaks Anthropic's messages.
func translatedChecks() []check {
	return []check{
		{"openai/translated", translated},
		{"openai/translated-stream", translatedStream},
		{"openai/translated-errors", translatedErrors},
	}
}

func withTools(model string) openai.ChatCompletionNewParams {
	params := chat(model)
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "weather", Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
	})}
	return params
}

const bern = `{"city":"Bern"}`

func translated(ctx context.Context) error {
	client := openaiClient()
	params := withTools("claude-tools")
	answer, err := client.Chat.Completions.New(ctx, params)
	if err != nil {
		return err
	}
	message := answer.Choices[0].Message
	if answer.Choices[0].FinishReason != "tool_calls" || message.Content != "I look." || len(message.ToolCalls) != 1 || message.ToolCalls[0].Function.Arguments != bern {
		return errors.New("answer " + answer.RawJSON())
	}
	params.Model = "claude-scripted"
	params.Messages = append(params.Messages, message.ToParam(), openai.ToolMessage("Sun", message.ToolCalls[0].ID))
	if answer, err = client.Chat.Completions.New(ctx, params); err != nil {
		return err
	}
	return want(answer.Choices[0].Message.Content == hello && answer.Choices[0].FinishReason == "stop" && answer.Usage.TotalTokens == 19,
		"answer %s", answer.RawJSON())
}

func translatedStream(ctx context.Context) error {
	params := chat("claude-scripted")
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	text, err := accumulated(ctx, params)
	if err != nil {
		return err
	}
	calls, err := accumulated(ctx, withTools("claude-tools-stream"))
	if err != nil {
		return err
	}
	made := calls.Choices[0].Message.ToolCalls
	return want(text.Choices[0].Message.Content == hello && text.Usage.TotalTokens == 19 &&
		len(made) == 1 && made[0].ID == "toolu_1" && made[0].Function.Arguments == bern && calls.Choices[0].FinishReason == "tool_calls",
		"answers %+v, %+v", text, calls)
}

// accumulated puts a stream together.
func accumulated(ctx context.Context, params openai.ChatCompletionNewParams) (openai.ChatCompletion, error) {
	client := openaiClient()
	stream := client.Chat.Completions.NewStreaming(ctx, params)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			return all.ChatCompletion, errors.New("a chunk that does not fit: " + stream.Current().RawJSON())
		}
	}
	return all.ChatCompletion, stream.Err()
}

func translatedErrors(ctx context.Context) error {
	client := openaiClient(option.WithMaxRetries(0))
	_, err := client.Chat.Completions.New(ctx, chat("claude-missing"))
	if err := openaiRefusal(err, 404, "not_found_error"); err != nil {
		return err
	}
	params := chat("claude-scripted")
	params.N = openai.Int(2)
	_, err = client.Chat.Completions.New(ctx, params)
	if err := openaiRefusal(err, 400, "translation_unsupported"); err != nil {
		return err
	}
	stream := client.Chat.Completions.NewStreaming(ctx, chat("claude-broken"))
	for stream.Next() {
	}
	return want(stream.Err() != nil, "the stream ended as if it were complete")
}
