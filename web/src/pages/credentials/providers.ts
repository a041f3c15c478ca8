// Only suggestions: the server knows which providers there are, and says so.
const hosts: Record<string, string> = {
  anthropic: 'api.anthropic.com', openai: 'api.openai.com',
};

/** Providers that a credential is often for; others can be typed. */
export const providers = [
  'openai', 'anthropic', 'baseten', 'cerebras', 'cohere', 'deepinfra', 'deepseek', 'fireworks', 'groq', 'huggingface', 'mistral', 'openrouter', 'togetherai', 'xai',
];

/** The host that a provider has, as far as the console knows it. */
export function hostOf(provider: string): string | undefined {
  const name = provider.trim().toLowerCase();
  return hosts[name] ?? (providers.includes(name) ? "the provider's own" : undefined);
}

/** A provider as configurations write it. */
export function configName(provider: string): string {
  return provider.toLowerCase() === 'openai' ? 'openAI' : scalar(provider);
}

/** A text as YAML takes it, quoted where it could mean something else. */
export function scalar(text: string): string {
  return /^[A-Za-z][\w.-]*$/.test(text) && !/^(true|false|yes|no|on|off|null)$/i.test(text) ? text : JSON.stringify(text);
}
