// Writes the price catalog that is embedded in tollgate, the licence notice of
// its source and the table of the source's own answers that the tests compare
// with. The same package gives the same bytes. With --check nothing is written;
// the exit code tells whether the files are up to date.
//
//   node generate.mjs [--check]

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { calcPrice, findProvider } from '@pydantic/genai-prices'

const here = dirname(fileURLToPath(import.meta.url))
const target = join(here, '../../internal/catalog')
const source = join(here, 'node_modules/@pydantic/genai-prices')
const version = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).version
const { devDependencies, source: { released } } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))

// Provider ids: the source's, and the name that tollgate has for it.
const providers = {
  anthropic: 'anthropic', arcee: 'arcee', avian: 'avian', aws: 'aws.bedrock', azure: 'azure', baseten: 'baseten',
  cerebras: 'cerebras', cloudflare: 'cloudflare', cohere: 'cohere', cursor: 'cursor', deepseek: 'deepseek',
  doubleword: 'doubleword', fireworks: 'fireworks', 'github-copilot': 'copilot', google: 'gcp.gemini', groq: 'groq',
  minimax: 'minimax', mistral: 'mistral', modal: 'modal', moonshotai: 'moonshotai', novita: 'novita', openai: 'openai',
  openrouter: 'openrouter', ovhcloud: 'ovhcloud', perplexity: 'perplexity', quicksilverpro: 'quicksilverpro',
  together: 'togetherai', typesafe: 'typesafe', voyageai: 'voyageai', 'x-ai': 'xai', zai: 'zai', zhipuai: 'zhipuai',
}

// Price keys in the order in which they are written: a million tokens as in the
// source, a thousand pieces as one.
const rates = {
  input_mtok: 'input', output_mtok: 'output', cache_read_mtok: 'cacheRead', cache_write_mtok: 'cacheWrite',
  cache_write_1h_mtok: 'cacheWrite1h', output_reasoning_mtok: 'reasoning', input_audio_mtok: 'inputAudio',
  cache_audio_read_mtok: 'cacheReadAudio', output_audio_mtok: 'outputAudio', input_image_mtok: 'inputImage',
  cache_image_read_mtok: 'cacheReadImage', output_image_mtok: 'outputImage',
}
const units = {
  web_searches_kcount: ['webSearch', 1000], storage_searches_kcount: ['fileSearch', 1000], requests_kcount: ['request', 1000],
  audio_hours: ['audioHour', 1], input_audio_hours: ['audioHour', 1],
}
// What is priced in a measure that no usage figure gives. A model with nothing
// but these has no price for us.
const unmetered = new Set(['input_video_mtok', 'output_video_mtok', 'input_document_kpages', 'input_annotated_document_kpages',
  'output_citation_mtok', 'input_text_messages_kcount'])

function fail(message) {
  console.error(message)
  process.exit(2)
}

// decimal writes n / per with at most places decimals, rounded up; the digits
// are those of the shortest text that means n.
function decimal(n, places, per = 1) {
  const [mantissa, exponent = '0'] = String(n).split('e')
  const [whole, fraction = ''] = mantissa.split('.')
  let digits = BigInt(whole + fraction)
  const shift = Number(exponent) - fraction.length + places
  let divisor = BigInt(per)
  if (shift >= 0) digits *= 10n ** BigInt(shift)
  else divisor *= 10n ** BigInt(-shift)
  const text = String((digits + divisor - 1n) / divisor).padStart(places + 1, '0')
  const tail = text.slice(-places).replace(/0+$/, '')
  return text.slice(0, -places) + (tail && '.' + tail)
}

// rule writes a matching rule: "name", "prefix*", "*suffix", "*part*",
// "/regular expression/" or "!/regular expression/"; a list is any of them,
// {"all": […]} all of them.
function rule(match, where) {
  const [[kind, value]] = Object.entries(match)
  if (typeof value === 'string' && kind !== 'regex' && /^[!/]|\*/.test(value)) fail(`${where}: cannot write the rule ${JSON.stringify(match)}`)
  switch (kind) {
    case 'equals': return value
    case 'starts_with': return value + '*'
    case 'ends_with': return '*' + value
    case 'contains': return '*' + value + '*'
    case 'or': return value.map((m) => rule(m, where)).flat()
    case 'and': return { all: value.map((m) => rule(m, where)) }
    case 'regex': {
      // RE2 has no look-ahead; one that forbids something anywhere is a negation.
      const negated = /^\^\(\?!\.\*(.*)\)$/.exec(value)
      const text = negated ? negated[1] : value
      if (/\(\?[=!<]/.test(text)) fail(`${where}: cannot write the regular expression ${value}`)
      return (negated ? '!/' : '/') + text + '/'
    }
  }
  fail(`${where}: unknown rule ${JSON.stringify(match)}`)
}

// tariff divides a list of prices into rates, units and context tiers.
function tariff(prices, where) {
  const out = { rates: {}, units: {} }
  const tiers = new Map()
  for (const key of Object.keys(prices)) {
    if (!(key in rates) && !(key in units) && !unmetered.has(key)) fail(`${where}: unknown price ${key}`)
  }
  for (const [key, name] of Object.entries(rates)) {
    const price = prices[key]
    if (price === undefined) continue
    if (typeof price === 'number') {
      out.rates[name] = decimal(price, 6)
      continue
    }
    out.rates[name] = decimal(price.base, 6)
    for (const tier of price.tiers) {
      if (!tiers.has(tier.start)) tiers.set(tier.start, {})
      tiers.get(tier.start)[name] = decimal(tier.price, 6)
    }
  }
  for (const [key, [name, per]] of Object.entries(units)) {
    if (prices[key] !== undefined) out.units[name] = decimal(prices[key], 12, per)
  }
  if (tiers.size) {
    out.tiers = [...tiers].sort(([a], [b]) => a - b).map(([contextOver, rates]) => ({ contextOver, rates }))
  }
  for (const part of ['rates', 'units']) if (!Object.keys(out[part]).length) delete out[part]
  return out
}

function model(m, where) {
  const out = {}
  const match = rule(m.match, where)
  if (match !== m.id) out.match = match
  if (m.context_window) out.contextWindow = m.context_window
  if (m.deprecated) out.deprecated = true
  const [first, ...later] = Array.isArray(m.prices) ? m.prices : [{ prices: m.prices }]
  if (first.constraint) fail(`${where}: the first price has a condition`)
  Object.assign(out, tariff(first.prices, where))
  if (later.length) out.periods = later.map(({ constraint, prices }) => ({ ...condition(constraint, where), ...tariff(prices, where) }))
  // The source gives no prices both to what is free and to what it does not
  // know. Only a name that says so is believed.
  if (!Object.keys(first.prices).length && m.id.endsWith(':free')) out.free = true
  const missing = [first, ...later].flatMap(({ prices }) => Object.keys(prices)).filter((key) => unmetered.has(key))
  if (missing.length) out.unmetered = [...new Set(missing)]
  return out
}

function condition(constraint, where) {
  switch (constraint?.type) {
    case undefined: return {}
    case 'start_date': return { from: constraint.start_date }
    case 'time_of_date': return { daily: [clock(constraint.start_time, where), clock(constraint.end_time, where)] }
  }
  fail(`${where}: unknown condition ${JSON.stringify(constraint)}`)
}

function clock(text, where) {
  if (!/^\d\d:\d\d:00Z$/.test(text)) fail(`${where}: time ${text} is not whole minutes in UTC`)
  return text.slice(0, 5)
}

// catalog writes one line a model, so that a new version is read as a list of
// changed prices.
function catalog(found) {
  const lines = ['{', `"format":"tollgate/prices/1","source":"genai-prices","version":${JSON.stringify(version)},"date":"${released}",`, '"providers":{']
  found.forEach((p, i) => {
    const head = p.fallback_model_providers ? `"fallback":${JSON.stringify(p.fallback_model_providers.map((id) => providers[id]))},` : ''
    lines.push(`${JSON.stringify(providers[p.id])}:{${head}"models":{`)
    p.models.forEach((m, j) => {
      lines.push(`${JSON.stringify(m.id)}:${JSON.stringify(model(m, p.id + '/' + m.id))}${j < p.models.length - 1 ? ',' : ''}`)
    })
    lines.push(`}}${i < found.length - 1 ? ',' : ''}`)
  })
  return lines.concat('}}', '').join('\n')
}

// names are model names that a rule is written for: the id, the literal parts
// of its rules and, for expressions, the name with a date behind it.
function names(m) {
  const out = new Set([m.id])
  const walk = (match) => {
    const [[kind, value]] = Object.entries(match)
    if (Array.isArray(value)) value.forEach(walk)
    else if (kind === 'regex') [m.id + '-20260102', m.id + '-2026-01-02', m.id + '-preview-tts'].forEach((n) => out.add(n))
    else if (kind !== 'ends_with') [value, value + '-20250514', 'x.' + value].forEach((n) => out.add(n))
  }
  walk(m.match)
  return [...out]
}

const usages = [
  { input_tokens: 10000, output_tokens: 2000 },
  { input_tokens: 9000, cache_read_tokens: 4000, output_tokens: 1000 },
  { input_tokens: 300001, cache_read_tokens: 100000, output_tokens: 3000 },
]
const instants = ['2025-01-15T03:00:00Z', '2026-09-01T05:30:00Z', '2027-02-01T07:00:00Z', '2026-09-01T17:00:00Z']

// answers are what the source itself finds and charges: provider, name, number
// of the instant, number of the usage, the model found ("-" if none) and the
// price in dollars. The broker with hundreds of plain entries is sampled, and so
// are names that no rule spells out.
function answers(found) {
  const lines = []
  for (const p of found) {
    p.models.forEach((m, j) => {
      if (p.id === 'openrouter' && j % 25 !== 0) return
      names(m).forEach((name, k) => {
        if (k > 0 && (j + k) % 3 !== 0) return
        const use = (j + k) % 3, instant = (j + 2 * k) % instants.length
        const price = calcPrice(usages[use], name, { providerId: p.id, timestamp: new Date(instants[instant]) })
        lines.push([providers[p.id], name, instant, use, price ? price.model.id : '-', price ? price.total_price : 0].join('\t'))
      })
    })
  }
  return lines.join('\n') + '\n'
}

if (version !== devDependencies['@pydantic/genai-prices']) fail(`installed is ${version}, wanted ${devDependencies['@pydantic/genai-prices']}`)
const found = Object.keys(providers).map((id) => findProvider({ providerId: id }) ?? fail(`the source has no provider ${id}`))
// The package has no list of its providers; its bundle is searched for ids that
// are not named above.
for (const [, id] of readFileSync(join(source, 'dist/index.js'), 'utf8').matchAll(/\bid: ["'`]([a-z0-9-]+)["'`]/g)) {
  if (findProvider({ providerId: id })?.id === id && !(id in providers)) fail(`provider ${id} of the source has no name here`)
}

const files = {
  'catalog.json': catalog(found),
  'LICENSE.genai-prices': `catalog.json is generated from @pydantic/genai-prices ${version}, which is under this licence:\n\n` +
    readFileSync(join(source, 'LICENSE'), 'utf8'),
  'testdata/source-answers.tsv': answers(found),
}
let stale = false
for (const [name, text] of Object.entries(files)) {
  const path = join(target, name)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`internal/catalog/${name} is out of date: run 'go generate ./internal/catalog'`)
    stale = true
  }
}
process.exit(stale ? 1 : 0)
