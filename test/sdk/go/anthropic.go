package main

import (
	"context"
	"errors"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func anthropicClient(more ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{option.WithBaseURL(gateway), option.WithAPIKey(key)}, more...)...)
}

func message(model string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 64,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Say hello."))},
	}
}

func anthropicRefusal(err error, status int) error {
	var refusal *anthropic.Error
	if !errors.As(err, &refusal) {
		return errors.Join(errNone, err)
	}
	return want(refusal.StatusCode == status, "status %d: %s", refusal.StatusCode, refusal.RawJSON())
}

func anthropicChecks() []check {
	return []check{
		{"anthropic/message", func(ctx context.Context) error {
			client := anthropicClient()
			answer, err := client.Messages.New(ctx, message("simulated"))
			if err != nil {
				return err
			}
			return want(answer.Content[0].Text != "" && answer.Usage.InputTokens > 0 && answer.Usage.OutputTokens > 0, "answer %s", answer.RawJSON())
		}},
		{"anthropic/stream", func(ctx context.Context) error {
			client := anthropicClient()
			stream := client.Messages.NewStreaming(ctx, message("simulated"))
			var all anthropic.Message
			for stream.Next() {
				if err := all.Accumulate(stream.Current()); err != nil {
					return err
				}
			}
			if err := stream.Err(); err != nil {
				return err
			}
			return want(all.Content[0].Text != "" && all.Usage.OutputTokens > 0 && all.StopReason != "", "answer %+v", all)
		}},
		{"anthropic/count-tokens", func(ctx context.Context) error {
			client := anthropicClient()
			answer, err := client.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{
				Model: "claude-scripted", Messages: message("").Messages,
			})
			if err != nil {
				return err
			}
			return want(answer.InputTokens == 10, "answer %s", answer.RawJSON())
		}},
		{"anthropic/models", func(ctx context.Context) error {
			client := anthropicClient()
			models := client.Models.ListAutoPaging(ctx, anthropic.ModelListParams{})
			for models.Next() {
				if models.Current().ID == "simulated" {
					return nil
				}
			}
			return errors.Join(errors.New("the model is not listed"), models.Err())
		}},
		{"anthropic/bad-key", func(ctx context.Context) error {
			client := anthropicClient(option.WithAPIKey("sk-wrong"))
			_, err := client.Messages.New(ctx, message("simulated"))
			return anthropicRefusal(err, 401)
		}},
		{"anthropic/rate-limit", func(ctx context.Context) error {
			client := anthropicClient(option.WithBaseURL(limited), option.WithMaxRetries(0))
			_, err := client.Messages.New(ctx, message("simulated"))
			return anthropicRefusal(err, 429)
		}},
		{"anthropic/budget", func(ctx context.Context) error { // the test counts the calls
			client := anthropicClient(option.WithBaseURL(budgeted), option.WithAPIKey(exhaustedKey+"-anthropic"))
			params := message("claude-dear")
			params.MaxTokens = 9
			_, err := client.Messages.New(ctx, params)
			if err := anthropicRefusal(err, 429); err != nil {
				return err
			}
			return want(strings.Contains(err.Error(), "budget_exceeded"), "%v", err)
		}},
		{"anthropic/paced", func(ctx context.Context) error { // waits as it is told, and tries again
			client := anthropicClient(option.WithBaseURL(budgeted), option.WithAPIKey(pacedKey+"-anthropic"))
			for range 2 {
				if _, err := client.Messages.New(ctx, message("simulated")); err != nil {
					return err
				}
			}
			return nil
		}},
		{"anthropic/no-retry", func(ctx context.Context) error {
			client := anthropicClient(option.WithMaxRetries(3))
			_, err := client.Messages.New(ctx, message("claude-no-retry"))
			return anthropicRefusal(err, 429)
		}},
	}
}
