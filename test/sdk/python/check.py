"""Runs the official Python clients against a gateway and prints one line for
each check: "ok NAME" or "failed NAME: why". The addresses and keys come from
the environment, see sdk_test.go."""

import io
import json
import os

import anthropic
import openai

GATEWAY, LIMITED, KEY, BUDGETED, EXHAUSTED_KEY, PACED_KEY = (
    os.environ[name] for name in ("GATEWAY", "LIMITED", "KEY", "BUDGETED", "EXHAUSTED_KEY", "PACED_KEY")
)
MESSAGES = [{"role": "user", "content": "Say hello."}]
HELLO = "Hello! How can I help you today?"
TOOLS = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    }
]


def openai_client(**more):
    return openai.OpenAI(**{"base_url": GATEWAY + "/v1", "api_key": KEY, **more})


def anthropic_client(**more):
    return anthropic.Anthropic(**{"base_url": GATEWAY, "api_key": KEY, **more})


def refused(kind, call):
    """Runs a call that must fail with an error of the class."""
    try:
        call()
    except kind as err:
        return err
    raise AssertionError(f"no {kind.__name__}")


def openai_chat():
    answer = openai_client().chat.completions.create(model="simulated", messages=MESSAGES)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0


def openai_stream():
    text, finish = "", None
    for chunk in openai_client().chat.completions.create(model="simulated", messages=MESSAGES, stream=True):
        assert chunk.usage is None, "usage that was not asked for"
        assert chunk.choices, "a chunk without choices"
        text += chunk.choices[0].delta.content or ""
        finish = chunk.choices[0].finish_reason or finish
    assert text and finish == "stop", (text, finish)


def openai_stream_usage():
    usage = None
    for chunk in openai_client().chat.completions.create(
        model="simulated", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def openai_responses():
    answer = openai_client().responses.create(model="scripted", input="Say hello.")
    assert answer.output_text == HELLO
    assert answer.usage.total_tokens == 19


def openai_responses_stream():
    text, last = "", None
    for event in openai_client().responses.create(model="scripted", input="Say hello.", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        last = event
    assert text == HELLO and last.type == "response.completed", (text, last)


def openai_embeddings():
    answer = openai_client().embeddings.create(model="scripted", input="hello", encoding_format="float")
    assert answer.data[0].embedding == [0.25, -0.5]


def openai_models():
    assert "simulated" in [model.id for model in openai_client().models.list()]


def openai_transcription():
    sound = io.BytesIO(b"RIFF")
    sound.name = "sound.wav"
    assert openai_client().audio.transcriptions.create(model="scripted", file=sound).text == "Hello"


def openai_bad_key():
    client = openai_client(api_key="sk-wrong")
    err = refused(
        openai.AuthenticationError, lambda: client.chat.completions.create(model="simulated", messages=MESSAGES)
    )
    assert err.code == "invalid_api_key", err.code


def openai_unknown_model():
    err = refused(
        openai.NotFoundError,
        lambda: openai_client().chat.completions.create(model="no-such-model", messages=MESSAGES),
    )
    assert err.code == "model_not_found", err.code


def openai_rate_limit():
    client = openai_client(base_url=LIMITED + "/v1", max_retries=0)
    err = refused(openai.RateLimitError, lambda: client.chat.completions.create(model="simulated", messages=MESSAGES))
    assert err.code == "rate_limit_exceeded", err.code


def openai_no_retry():
    client = openai_client(max_retries=3)
    refused(openai.RateLimitError, lambda: client.chat.completions.create(model="no-retry", messages=MESSAGES))


def openai_budget():
    """The test counts the calls: a client whose budget is used up makes one."""
    client = openai_client(base_url=BUDGETED + "/v1", api_key=EXHAUSTED_KEY + "-openai")
    err = refused(
        openai.RateLimitError,
        lambda: client.chat.completions.create(model="dear", max_tokens=9, messages=MESSAGES),
    )
    assert err.code == "budget_exceeded" and err.type == "insufficient_quota", (err.code, err.type)


def openai_paced():
    """A client that comes too fast waits as it is told, tries again and gets its answer."""
    client = openai_client(base_url=BUDGETED + "/v1", api_key=PACED_KEY + "-openai")
    for _ in range(2):
        assert client.chat.completions.create(model="simulated", messages=MESSAGES).choices[0].message.content


def openai_broken_stream():
    client = openai_client(max_retries=0)
    stream = client.chat.completions.create(model="broken", messages=MESSAGES, stream=True)
    refused(openai.APIError, lambda: list(stream))


def openai_translated():
    """Chat completions at a provider that speaks Anthropic's messages."""
    chat = openai_client().chat.completions
    answer = chat.create(model="claude-tools", messages=MESSAGES, tools=TOOLS, max_tokens=64)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls" and message.content == "I look.", answer
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Bern"}, answer
    told = [*MESSAGES, message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Sun"}]
    second = chat.create(model="claude-scripted", messages=told, tools=TOOLS)
    assert second.choices[0].message.content == HELLO and second.choices[0].finish_reason == "stop", second
    assert second.usage.total_tokens == 19, second


def openai_translated_stream():
    chat = openai_client().chat.completions
    text, finish, usage = "", None, None
    for chunk in chat.create(
        model="claude-scripted", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert text == HELLO and finish == "stop" and usage.total_tokens == 19, (text, finish, usage)
    with chat.stream(model="claude-tools-stream", messages=MESSAGES, tools=TOOLS) as stream:
        calls = stream.get_final_completion()
    call = calls.choices[0].message.tool_calls[0]
    assert calls.choices[0].finish_reason == "tool_calls" and call.id == "toolu_1", calls
    assert call.function.arguments == '{"city":"Bern"}', calls


def openai_translated_errors():
    chat = openai_client(max_retries=0).chat.completions
    err = refused(openai.NotFoundError, lambda: chat.create(model="claude-missing", messages=MESSAGES))
    assert err.code == "not_found_error", err.code
    err = refused(openai.BadRequestError, lambda: chat.create(model="claude-scripted", messages=MESSAGES, n=2))
    assert err.code == "translation_unsupported", err.code
    stream = chat.create(model="claude-broken", messages=MESSAGES, stream=True)
    refused(openai.APIError, lambda: list(stream))


def anthropic_message():
    answer = anthropic_client().messages.create(model="simulated", max_tokens=64, messages=MESSAGES)
    assert answer.role == "assistant" and answer.content[0].text
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def anthropic_stream():
    with anthropic_client().messages.stream(model="simulated", max_tokens=64, messages=MESSAGES) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert text and answer.content[0].text == text
    assert answer.usage.output_tokens > 0


def anthropic_count_tokens():
    assert anthropic_client().messages.count_tokens(model="claude-scripted", messages=MESSAGES).input_tokens == 10


def anthropic_models():
    assert "simulated" in [model.id for model in anthropic_client().models.list()]


def anthropic_bad_key():
    client = anthropic_client(api_key="sk-wrong")
    err = refused(
        anthropic.AuthenticationError,
        lambda: client.messages.create(model="simulated", max_tokens=64, messages=MESSAGES),
    )
    assert err.body["error"]["type"] == "authentication_error", err.body


def anthropic_rate_limit():
    client = anthropic_client(base_url=LIMITED, max_retries=0)
    err = refused(
        anthropic.RateLimitError,
        lambda: client.messages.create(model="simulated", max_tokens=64, messages=MESSAGES),
    )
    assert err.body["error"]["type"] == "rate_limit_error", err.body


def anthropic_budget():
    client = anthropic_client(base_url=BUDGETED, api_key=EXHAUSTED_KEY + "-anthropic")
    err = refused(
        anthropic.RateLimitError,
        lambda: client.messages.create(model="claude-dear", max_tokens=9, messages=MESSAGES),
    )
    assert err.body["error"]["code"] == "budget_exceeded", err.body


def anthropic_paced():
    client = anthropic_client(base_url=BUDGETED, api_key=PACED_KEY + "-anthropic")
    for _ in range(2):
        assert client.messages.create(model="simulated", max_tokens=64, messages=MESSAGES).content[0].text


def anthropic_no_retry():
    client = anthropic_client(max_retries=3)
    refused(
        anthropic.RateLimitError,
        lambda: client.messages.create(model="claude-no-retry", max_tokens=64, messages=MESSAGES),
    )


for check in [value for name, value in list(globals().items()) if name.startswith(("openai_", "anthropic_"))]:
    if check in (openai_client, anthropic_client):
        continue
    client, _, rest = check.__name__.partition("_")
    name = client + "/" + rest.replace("_", "-")
    try:
        check()
        print("ok", name)
    except Exception as err:  # every check is to be heard of
        print(f"failed {name}: {type(err).__name__}: {err}".replace("\n", " "))
