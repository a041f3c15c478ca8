// Runs the official Node clients against a gateway and prints one line for
// each check: "ok NAME" or "failed NAME: why". The addresses and keys come
// from the environment, see sdk_test.go.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';

const { GATEWAY, LIMITED, KEY, BUDGETED, EXHAUSTED_KEY, PACED_KEY } = process.env;
const messages = [{ role: 'user', content: 'Say hello.' }];

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];

const openai = (more = {}) => new OpenAI({ baseURL: `${GATEWAY}/v1`, apiKey: KEY, ...more });
const anthropic = (more = {}) => new Anthropic({ baseURL: GATEWAY, apiKey: KEY, ...more });

// refused runs a call that must fail with an error of the class.
async function refused(kind, call) {
  try {
    await call();
  } catch (err) {
    assert.ok(err instanceof kind, `got ${err.constructor.name}: ${err.message}`);
    return err;
  }
  assert.fail(`no ${kind.name}`);
}

const checks = {
  async 'openai/chat'() {
    const answer = await openai().chat.completions.create({ model: 'simulated', messages });
    assert.equal(answer.choices[0].message.role, 'assistant');
    assert.ok(answer.choices[0].message.content.length > 0);
    assert.ok(answer.usage.prompt_tokens > 0 && answer.usage.completion_tokens > 0);
  },
  async 'openai/stream'() {
    const stream = await openai().chat.completions.create({ model: 'simulated', messages, stream: true });
    let text = '', finish = null;
    for await (const chunk of stream) {
      assert.ok(!chunk.usage, 'usage that was not asked for');
      assert.ok(chunk.choices.length > 0, 'a chunk without choices');
      text += chunk.choices[0].delta.content ?? '';
      finish = chunk.choices[0].finish_reason ?? finish;
    }
    assert.ok(text.length > 0);
    assert.equal(finish, 'stop');
  },
  async 'openai/stream-usage'() {
    const stream = await openai().chat.completions.create({
      model: 'simulated', messages, stream: true, stream_options: { include_usage: true },
    });
    let usage = null;
    for await (const chunk of stream) usage = chunk.usage ?? usage;
    assert.ok(usage.completion_tokens > 0);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  },
  async 'openai/responses'() {
    const answer = await openai().responses.create({ model: 'scripted', input: 'Say hello.' });
    assert.equal(answer.output_text, 'Hello! How can I help you today?');
    assert.equal(answer.usage.total_tokens, 19);
  },
  async 'openai/responses-stream'() {
    const stream = await openai().responses.create({ model: 'scripted', input: 'Say hello.', stream: true });
    let text = '', last = null;
    for await (const event of stream) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      last = event;
    }
    assert.equal(text, 'Hello! How can I help you today?');
    assert.equal(last.type, 'response.completed');
  },
  async 'openai/embeddings'() {
    const answer = await openai().embeddings.create({ model: 'scripted', input: 'hello', encoding_format: 'float' });
    assert.deepEqual(answer.data[0].embedding, [0.25, -0.5]);
  },
  async 'openai/models'() {
    const ids = [];
    for await (const model of openai().models.list()) ids.push(model.id);
    assert.ok(ids.includes('simulated'), String(ids));
  },
  async 'openai/transcription'() {
    const file = new File(['RIFF'], 'sound.wav');
    const answer = await openai().audio.transcriptions.create({ model: 'scripted', file });
    assert.equal(answer.text, 'Hello');
  },
  async 'openai/bad-key'() {
    const err = await refused(OpenAI.AuthenticationError, () =>
      openai({ apiKey: 'sk-wrong' }).chat.completions.create({ model: 'simulated', messages }));
    assert.equal(err.code, 'invalid_api_key');
  },
  async 'openai/unknown-model'() {
    const err = await refused(OpenAI.NotFoundError, () =>
      openai().chat.completions.create({ model: 'no-such-model', messages }));
    assert.equal(err.code, 'model_not_found');
  },
  async 'openai/rate-limit'() {
    const err = await refused(OpenAI.RateLimitError, () =>
      openai({ baseURL: `${LIMITED}/v1`, maxRetries: 0 }).chat.completions.create({ model: 'simulated', messages }));
    assert.equal(err.code, 'rate_limit_exceeded');
  },
  async 'openai/no-retry'() {
    await refused(OpenAI.RateLimitError, () =>
      openai({ maxRetries: 3 }).chat.completions.create({ model: 'no-retry', messages }));
  },
  // The test counts the calls: a client whose budget is used up makes one.
  async 'openai/budget'() {
    const err = await refused(OpenAI.RateLimitError, () =>
      openai({ baseURL: `${BUDGETED}/v1`, apiKey: `${EXHAUSTED_KEY}-openai` }).chat.completions.create({ model: 'dear', max_tokens: 9, messages }));
    assert.equal(err.code, 'budget_exceeded');
    assert.equal(err.type, 'insufficient_quota');
  },
  // One that comes too fast waits as it is told, tries again and gets its answer.
  async 'openai/paced'() {
    const client = openai({ baseURL: `${BUDGETED}/v1`, apiKey: `${PACED_KEY}-openai` });
    for (let i = 0; i < 2; i++) {
      const answer = await client.chat.completions.create({ model: 'simulated', messages });
      assert.ok(answer.choices[0].message.content.length > 0);
    }
  },
  async 'openai/broken-stream'() {
    const stream = await openai({ maxRetries: 0 }).chat.completions.create({ model: 'broken', messages, stream: true });
    await refused(OpenAI.APIError, async () => {
      for await (const chunk of stream) assert.ok(chunk.choices);
    });
  },
  // Chat completions at a provider that speaks Anthropic's messages.
  async 'openai/translated'() {
    const answer = await openai().chat.completions.create({ model: 'claude-tools', messages, tools, max_tokens: 64 });
    const [{ message, finish_reason }] = answer.choices;
    assert.equal(finish_reason, 'tool_calls');
    assert.equal(message.content, 'I look.');
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Bern' });
    const told = [...messages, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'Sun' }];
    const second = await openai().chat.completions.create({ model: 'claude-scripted', messages: told, tools });
    assert.equal(second.choices[0].message.content, 'Hello! How can I help you today?');
    assert.equal(second.choices[0].finish_reason, 'stop');
    assert.equal(second.usage.total_tokens, 19);
  },
  async 'openai/translated-stream'() {
    const runner = openai().chat.completions.stream({
      model: 'claude-scripted', messages, stream_options: { include_usage: true },
    });
    const answer = await runner.finalChatCompletion();
    assert.equal(answer.choices[0].message.content, 'Hello! How can I help you today?');
    assert.equal(answer.usage.total_tokens, 19);
    const calls = await openai().chat.completions.stream({ model: 'claude-tools-stream', messages, tools }).finalChatCompletion();
    assert.equal(calls.choices[0].finish_reason, 'tool_calls');
    assert.equal(calls.choices[0].message.tool_calls[0].id, 'toolu_1');
    assert.equal(calls.choices[0].message.tool_calls[0].function.arguments, '{"city":"Bern"}');
  },
  async 'openai/translated-errors'() {
    const missing = await refused(OpenAI.NotFoundError, () =>
      openai().chat.completions.create({ model: 'claude-missing', messages }));
    assert.equal(missing.code, 'not_found_error');
    const several = await refused(OpenAI.BadRequestError, () =>
      openai().chat.completions.create({ model: 'claude-scripted', messages, n: 2 }));
    assert.equal(several.code, 'translation_unsupported');
    const stream = await openai({ maxRetries: 0 }).chat.completions.create({ model: 'claude-broken', messages, stream: true });
    await refused(OpenAI.APIError, async () => {
      for await (const chunk of stream) assert.ok(chunk.choices);
    });
  },
  async 'anthropic/message'() {
    const answer = await anthropic().messages.create({ model: 'simulated', max_tokens: 64, messages });
    assert.equal(answer.role, 'assistant');
    assert.ok(answer.content[0].text.length > 0);
    assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
  },
  async 'anthropic/stream'() {
    const stream = anthropic().messages.stream({ model: 'simulated', max_tokens: 64, messages });
    let text = '';
    stream.on('text', (piece) => { text += piece; });
    const answer = await stream.finalMessage();
    assert.equal(answer.content[0].text, text);
    assert.ok(text.length > 0 && answer.usage.output_tokens > 0);
  },
  async 'anthropic/count-tokens'() {
    const answer = await anthropic().messages.countTokens({ model: 'claude-scripted', messages });
    assert.equal(answer.input_tokens, 10);
  },
  async 'anthropic/models'() {
    const ids = [];
    for await (const model of anthropic().models.list()) ids.push(model.id);
    assert.ok(ids.includes('simulated'), String(ids));
  },
  async 'anthropic/bad-key'() {
    const err = await refused(Anthropic.AuthenticationError, () =>
      anthropic({ apiKey: 'sk-wrong' }).messages.create({ model: 'simulated', max_tokens: 64, messages }));
    assert.equal(err.error.error.type, 'authentication_error');
  },
  async 'anthropic/rate-limit'() {
    const err = await refused(Anthropic.RateLimitError, () =>
      anthropic({ baseURL: LIMITED, maxRetries: 0 }).messages.create({ model: 'simulated', max_tokens: 64, messages }));
    assert.equal(err.error.error.type, 'rate_limit_error');
  },
  async 'anthropic/budget'() {
    const err = await refused(Anthropic.RateLimitError, () =>
      anthropic({ baseURL: BUDGETED, apiKey: `${EXHAUSTED_KEY}-anthropic` }).messages.create({ model: 'claude-dear', max_tokens: 9, messages }));
    assert.equal(err.error.error.code, 'budget_exceeded');
  },
  async 'anthropic/paced'() {
    const client = anthropic({ baseURL: BUDGETED, apiKey: `${PACED_KEY}-anthropic` });
    for (let i = 0; i < 2; i++) {
      const answer = await client.messages.create({ model: 'simulated', max_tokens: 64, messages });
      assert.ok(answer.content[0].text.length > 0);
    }
  },
  async 'anthropic/no-retry'() {
    await refused(Anthropic.RateLimitError, () =>
      anthropic({ maxRetries: 3 }).messages.create({ model: 'claude-no-retry', max_tokens: 64, messages }));
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (err) {
    console.log(`failed ${name}: ${String(err.message).replaceAll('\n', ' ')}`);
  }
}
