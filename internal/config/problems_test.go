package config_test

import (
	"strings"
	"testing"
)

// each is what is wrong with a text, exactly as it is told.
var each = []struct{ name, text, want string }{
	{"unknown field", "llm:\n  models: []\n  policiez: {}\n",
		`c.yaml:3:3: llm.policiez: unknown field; did you mean "policies"?`},
	{"unknown field far from any", "zzz: 1\nllm: {models: []}\n", `c.yaml:1:1: zzz: unknown field`},
	{"unknown field with a strange name", "llm: {models: [], \"a b\": 1}\n", `c.yaml:1:19: llm."a b": unknown field`},
	{"swapped letters", "llm:\n  models: []\n  policies: {apiKye: {keys: []}}\n",
		`c.yaml:3:14: llm.policies.apiKye: unknown field; did you mean "apiKey"?`},
	{"twice", "llm:\n  models: []\n  models: []\n", `c.yaml:3:3: llm.models: is given twice; the first one is on line 2`},
	{"twice in something free", "llm:\n  models: []\n  policies:\n    apiKey:\n      keys:\n      - key: k\n        metadata: {a: 1, a: 2}\n",
		`c.yaml:7:26: llm.policies.apiKey.keys[0].metadata.a: is given twice; the first one is on line 7`},
	{"missing", "gateways: {g: {}}\n", `c.yaml:1:15: gateways.g.port: is missing`},
	{"null is missing", "gateways: {g: {port: }}\n", `c.yaml:1:15: gateways.g.port: is missing`},
	{"missing in a list", "llm: {models: [{provider: openAI}]}\n", `c.yaml:1:16: llm.models[0].name: is missing`},
	{"empty element", "llm: {models: [~]}\n", `c.yaml:1:16: llm.models[0]: must not be empty`},

	{"no object", "llm: 5\n", `c.yaml:1:6: llm: must be an object`},
	{"no list", "llm: {models: {}}\n", `c.yaml:1:15: llm.models: must be a list`},
	{"no text", "llm: {models: [{name: 4, provider: openAI}]}\n", `c.yaml:1:23: llm.models[0].name: must be text; put it in quotes`},
	{"text is a list", "llm: {models: [{name: [a], provider: openAI}]}\n", `c.yaml:1:23: llm.models[0].name: must be a single value`},
	{"no bool", "llm: {models: [{name: a, provider: openAI, params: {tokenize: maybe}}]}\n",
		`c.yaml:1:63: llm.models[0].params.tokenize: must be true or false`},
	{"quoted bool", "llm: {models: [{name: a, provider: openAI, params: {tokenize: 'true'}}]}\n",
		`c.yaml:1:63: llm.models[0].params.tokenize: must be true or false`},
	{"no number", "llm: {models: [], port: many}\n", `c.yaml:1:25: llm.port: must be a whole number`},
	{"quoted number", "llm: {models: [], port: '80'}\n", `c.yaml:1:25: llm.port: must be a whole number`},
	{"number too large", "llm: {models: [], port: 65536}\n", `c.yaml:1:25: llm.port: must be between 1 and 65535`},
	{"number too small", "frontendPolicies: {http: {maxBufferSize: 0}}\n", `c.yaml:1:42: frontendPolicies.http.maxBufferSize: must be at least 1`},
	{"no duration", "tollgate: {drainTimeout: soon}\n", `c.yaml:1:26: tollgate.drainTimeout: must be a duration such as 500ms, 60s, 24h or 7d`},
	{"negative duration", "tollgate: {drainTimeout: -1s}\n", `c.yaml:1:26: tollgate.drainTimeout: must be a duration such as 500ms, 60s, 24h or 7d`},
	{"number for duration", "tollgate: {drainTimeout: 5}\n", `c.yaml:1:26: tollgate.drainTimeout: must be a duration such as 500ms, 60s, 24h or 7d`},
	{"days without end", "tollgate: {drainTimeout: 999999d}\n", `c.yaml:1:26: tollgate.drainTimeout: must be a duration such as 500ms, 60s, 24h or 7d`},
	{"none of", "llm: {models: [], policies: {apiKey: {mode: strikt, keys: []}}}\n",
		`c.yaml:1:45: llm.policies.apiKey.mode: "strikt" is none of optional, strict, permissive; did you mean "strict"?`},
	{"tag", "llm: {models: [{name: !mine a, provider: openAI}]}\n", `c.yaml:1:23: llm.models[0].name: has a YAML tag that means nothing here`},

	{"not yet", "llm:\n  models: []\n  policies:\n    jwtAuth:\n      issuer: https://example.com\n",
		`c.yaml:4:5: llm.policies.jwtAuth: is not yet supported`},
	{"conditional limits", "gateways: {default: {port: 1}}\nroutes:\n- policies: {localRateLimit: {conditional: []}}\n",
		`c.yaml:3:30: routes[0].policies.localRateLimit.conditional: is not yet supported`},
	{"conditional answer", "gateways: {default: {port: 1}}\nroutes:\n- policies: {directResponse: {status: 200, conditional: []}}\n",
		`c.yaml:3:44: routes[0].policies.directResponse.conditional: is not yet supported`},
	{"bedrock", "llm:\n  models:\n  - name: \"*\"\n    provider: bedrock\n    params: {awsRegion: us-east-1}\n", `
c.yaml:4:15: llm.models[0].provider: bedrock is not yet supported
c.yaml:5:14: llm.models[0].params.awsRegion: is not yet supported`},
	{"gemini with settings", "binds: [{port: 1, listeners: [{routes: [{backends: [{ai: {provider: {gemini: {}}}}]}]}]}]\n",
		`c.yaml:1:70: binds[0].listeners[0].routes[0].backends[0].ai.provider: gemini is not yet supported`},
	{"cloud credential", "llm: {models: [{name: a, provider: openAI, auth: {gcp: {}}}]}\n", `c.yaml:1:51: llm.models[0].auth.gcp: is not yet supported`},
	{"copilot credential", "llm: {models: [{name: a, provider: openAI, auth: copilot}]}\n", `c.yaml:1:50: llm.models[0].auth: copilot is not yet supported`},
	{"config.listener", "config: {listener: {}}\n", `c.yaml:1:10: config.listener: unknown field`},

	{"unknown provider", "llm: {models: [{name: a, provider: openIA}]}\n", `c.yaml:1:36: llm.models[0].provider: unknown provider "openIA"; did you mean "openAI"?`},
	{"two providers", "llm: {models: [{name: a, provider: {openAI: {}, anthropic: {}}}]}\n", `c.yaml:1:36: llm.models[0].provider: must name exactly one kind of provider`},
	{"custom without settings", "llm: {models: [{name: a, provider: custom}]}\n", `
c.yaml:1:16: llm.models[0].params.baseUrl: is missing; a custom provider needs it
c.yaml:1:36: llm.models[0].provider: custom needs settings; write provider: {custom: …}`},
	{"custom without formats", "llm: {models: [{name: a, provider: {custom: {formats: []}}, params: {baseUrl: http://h}}]}\n",
		`c.yaml:1:45: llm.models[0].provider.custom.formats: needs at least one format`},
	{"custom format twice", "llm: {models: [{name: a, provider: {custom: {formats: [{type: messages}, {type: messages}]}}, params: {baseUrl: http://h}}]}\n",
		`c.yaml:1:81: llm.models[0].provider.custom.formats[1].type: messages is given twice`},
	{"custom in a route", "binds: [{port: 1, listeners: [{routes: [{backends: [{ai: {provider: {custom: {formats: [{type: messages}]}}}}]}]}]}]\n",
		`c.yaml:1:58: binds[0].listeners[0].routes[0].backends[0].ai.hostOverride: is missing; a custom provider needs it`},
	{"reference to nothing", "llm: {providers: [{name: shared, provider: openAI}], models: [{name: a, provider: {reference: sharde}}]}\n",
		`c.yaml:1:83: llm.models[0].provider: model "a" references unknown provider "sharde"; did you mean "shared"?`},
	{"reference with more", "llm: {providers: [{name: s, provider: openAI}], models: [{name: a, provider: {reference: s}, params: {apiKey: k}}]}\n",
		`c.yaml:1:102: llm.models[0].params: a model with a reference to a provider can only set params.model; write the rest in llm.providers`},
	{"provider twice", "llm: {models: [], providers: [{name: s, provider: openAI}, {name: s, provider: openAI}]}\n",
		`c.yaml:1:67: llm.providers[1].name: another provider is called "s" too`},
	{"provider refers", "llm: {models: [], providers: [{name: s, provider: {reference: s}}]}\n", `c.yaml:1:51: llm.providers[0].provider: a provider cannot refer to another one`},
	{"reference in a route", "gateways: {default: {port: 1}}\nroutes: [{backends: [{ai: {provider: {reference: a}}}]}]\n",
		`c.yaml:2:38: routes[0].backends[0].ai.provider: a reference is only for llm.models`},
	{"two models", "llm: {models: [{name: a, provider: {openAI: {model: x}}, params: {model: y}}]}\n",
		`c.yaml:1:74: llm.models[0].params.model: differs from the model that stands with the provider`},

	{"wildcards", "llm: {models: [{name: a*b*, provider: openAI}, {name: a*b, provider: openAI}, {name: '', provider: openAI}]}\n", `
c.yaml:1:23: llm.models[0].name: has more than one wildcard
c.yaml:1:55: llm.models[1].name: has a wildcard in the middle; it can only begin or end with one
c.yaml:1:86: llm.models[2].name: must not be empty`},
	{"allowed models", "llm: {models: [], policies: {apiKey: {keys: [{key: k, allowedModels: ['', 'a*b*', ok, '*']}]}}}\n", `
c.yaml:1:71: llm.policies.apiKey.keys[0].allowedModels[0]: must not be empty
c.yaml:1:75: llm.policies.apiKey.keys[0].allowedModels[1]: has more than one wildcard`},

	{"base URLs", `
llm:
  models:
  - {name: a, provider: openAI, params: {baseUrl: "ftp://h"}}
  - {name: b, provider: openAI, params: {baseUrl: "http://u:p@h"}}
  - {name: c, provider: openAI, params: {baseUrl: "http://h/?q=1"}}
  - {name: d, provider: openAI, params: {baseUrl: "http://h#f"}}
  - {name: e, provider: openAI, params: {baseUrl: "http://h:0"}}
  - {name: f, provider: openAI, params: {baseUrl: "http://h", pathPrefix: /x}}
  - {name: g, provider: openAI, params: {pathOverride: x, hostOverride: "a:b"}}
`, `
c.yaml:4:51: llm.models[0].params.baseUrl: must be an http or https URL such as https://api.example.com/v1
c.yaml:5:51: llm.models[1].params.baseUrl: must not have a user or password in it; put the credential in apiKey
c.yaml:6:51: llm.models[2].params.baseUrl: must not have a query or fragment
c.yaml:7:51: llm.models[3].params.baseUrl: must not have a query or fragment
c.yaml:8:51: llm.models[4].params.baseUrl: must have a port between 1 and 65535, or none
c.yaml:9:51: llm.models[5].params.baseUrl: cannot be used with hostOverride or pathPrefix
c.yaml:10:56: llm.models[6].params.pathOverride: must be a path that begins with /
c.yaml:10:73: llm.models[6].params.hostOverride: must be host:port`},
	{"two credentials", "llm: {models: [{name: a, provider: openAI, params: {apiKey: k}, auth: {key: k}}]}\n",
		`c.yaml:1:71: llm.models[0].auth: cannot be used with params.apiKey`},
	{"two TLS", "llm: {models: [{name: a, provider: openAI, tls: {}, backendTLS: {}}]}\n", `c.yaml:1:53: llm.models[0].backendTLS: is given twice, here and as tls`},

	{"gateways and port", "gateways: {g: {port: 1}}\nllm: {models: [], gateways: g, port: 4000}\n",
		`c.yaml:2:29: llm.gateways: llm.gateways cannot be used with llm.port or llm.tls`},
	{"no such gateway", "gateways: {front: {port: 1}}\nllm: {models: [], gateways: [frnt, front/x, /]}\n", `
c.yaml:2:30: llm.gateways[0]: there is no gateway called "frnt"; did you mean "front"?
c.yaml:2:36: llm.gateways[1]: the gateway front has no listener called "x"
c.yaml:2:45: llm.gateways[2]: must be the name of a gateway, or gateway/listener`},
	{"route without gateway", "gateways: {g: {port: 1}}\nroutes: [{}]\n", `c.yaml:2:10: routes[0].gateways: is missing; there is no gateway called default`},
	{"gateways in a bind", "binds: [{port: 1, listeners: [{routes: [{gateways: g}]}]}]\n",
		`c.yaml:1:52: binds[0].listeners[0].routes[0].gateways: is only for routes at the top level`},
	{"routes in a gateway", "gateways: {g: {port: 1, listeners: [{routes: []}]}}\n",
		`c.yaml:1:46: gateways.g.listeners[0].routes: a listener of a gateway has no routes of its own; write them in the top-level routes`},
	{"policy twice", "gateways: {g: {port: 1, cors: {}, policies: {cors: {}}}}\n",
		`c.yaml:1:52: gateways.g.policies.cors: is given twice, here and beside policies`},

	{"virtual models", `
llm:
  models: [{name: gpt-4o, provider: openAI}, {name: "b*", provider: openAI}]
  virtualModels:
  - {name: v, routing: {}}
  - {name: v, routing: {weighted: {targets: [{model: gpt-4}, {model: bx, weight: -1}]}}}
  - {name: "w*", routing: {weighted: {targets: [{model: b, weight: 0}]}, failover: {targets: []}}}
  - {name: x, routing: {failover: {targets: []}}}
  - {name: y, routing: {conditional: {targets: [{model: b1}, {model: b2, when: "true"}]}}}
  - {name: z, routing: {conditional: {targets: []}}}
`, `
c.yaml:5:24: llm.virtualModels[0].routing: one of weighted, failover, conditional is needed
c.yaml:6:12: llm.virtualModels[1].name: another virtual model is called "v" too
c.yaml:6:54: llm.virtualModels[1].routing.weighted.targets[0].model: there is no model called "gpt-4" in llm.models; did you mean "gpt-4o"?
c.yaml:6:82: llm.virtualModels[1].routing.weighted.targets[1].weight: must be between 0 and 1000000
c.yaml:7:12: llm.virtualModels[2].name: a virtual model is a name, not a pattern
c.yaml:7:27: llm.virtualModels[2].routing: only one of weighted, failover can be given
c.yaml:7:48: llm.virtualModels[2].routing.weighted.targets: needs at least one target with a weight above 0
c.yaml:8:45: llm.virtualModels[3].routing.failover.targets: needs at least one target
c.yaml:9:49: llm.virtualModels[4].routing.conditional.targets[0]: a target without a condition must be the last one: those behind it are never reached
c.yaml:10:48: llm.virtualModels[5].routing.conditional.targets: needs at least one target`},

	{"limits", `
llm:
  models: []
  policies:
    localRateLimit:
    - {maxTokens: 1, tokensPerFill: 5, fillInterval: 60s}
    - {maxTokens: 1, fillInterval: 0s}
    - {maxTokens: -1}
    - {fillInterval: 1s, type: words, key: ""}
`, `
c.yaml:6:7: llm.policies.localRateLimit[0]: max tokens cannot be less than the refill amount; maxTokens must be at least tokensPerFill
c.yaml:7:36: llm.policies.localRateLimit[1].fillInterval: must be longer than 0
c.yaml:8:7: llm.policies.localRateLimit[2].fillInterval: is missing
c.yaml:8:19: llm.policies.localRateLimit[2].maxTokens: must be at least 0
c.yaml:9:32: llm.policies.localRateLimit[3].type: "words" is none of requests, tokens
c.yaml:9:44: llm.policies.localRateLimit[3].key: the expression is empty`},

	{"keys", `
llm:
  models: []
  policies:
    apiKey:
      keys:
      - {key: sk-alice-abc123def456}
      - {keyHash: "sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f"}
      - {keyHash: "sha256:abc"}
      - {keyHash: "md5:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f"}
      - {key: other, keyHash: "sha256:577fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f"}
      - {}
      - {key: ""}
      - {key: 12345}
      - {key: [sk-secret]}
      - {key: {file: gone.txt}}
      - {key: {path: gone.txt}}
`, `
c.yaml:8:9: llm.policies.apiKey.keys[1]: is the same key as keys[0]
c.yaml:9:19: llm.policies.apiKey.keys[2].keyHash: must be "sha256:" and 64 hexadecimal digits
c.yaml:10:19: llm.policies.apiKey.keys[3].keyHash: must be "sha256:" and 64 hexadecimal digits
c.yaml:11:9: llm.policies.apiKey.keys[4]: only one of key, keyHash can be given
c.yaml:12:9: llm.policies.apiKey.keys[5]: one of key, keyHash is needed
c.yaml:13:15: llm.policies.apiKey.keys[6].key: is empty
c.yaml:14:15: llm.policies.apiKey.keys[7].key: must be text, or {file: path}; put it in quotes
c.yaml:15:15: llm.policies.apiKey.keys[8].key: must be text, or {file: path}
c.yaml:16:22: llm.policies.apiKey.keys[9].key.file: cannot read the file gone.txt: file does not exist
c.yaml:17:15: llm.policies.apiKey.keys[10].key.file: is missing
c.yaml:17:16: llm.policies.apiKey.keys[10].key.path: unknown field`},

	{"locations", `
llm:
  models: []
  policies:
    apiKey: {keys: [], location: {header: {name: "a b", prefix: "x\n"}, cookie: {name: c}}}
`, `
c.yaml:5:34: llm.policies.apiKey.location: only one of header, cookie can be given
c.yaml:5:50: llm.policies.apiKey.location.header.name: must be the name of a header
c.yaml:5:65: llm.policies.apiKey.location.header.prefix: has characters that a header cannot have`},
	{"credential by expression", "llm: {models: [{name: a, provider: openAI, auth: {key: {value: k, location: {expression: x}}}}]}\n",
		`c.yaml:1:90: llm.models[0].auth.key.location.expression: a credential cannot be put where an expression says`},

	{"kinds of values", `
llm:
  models: [{name: a, provider: simulated, defaults: 7, overrides: {x: .inf, y: !mine z}, requestHeaders: {set: {a: ~}}}]
  policies:
    apiKey: {keys: [{key: k, metadata: [a]}], location: {queryParameter: {name: ""}}}
    authorization: {rules: [{allow: x, deny: y}, {}, [x]]}
    localRateLimit: {maxTokens: 1}
  gateways: [[x]]
`, `
c.yaml:3:53: llm.models[0].defaults: must be an object
c.yaml:3:71: llm.models[0].overrides.x: is a value that JSON does not have
c.yaml:3:80: llm.models[0].overrides.y: has a YAML tag that means nothing here
c.yaml:3:113: llm.models[0].requestHeaders.set.a: must not be empty
c.yaml:5:40: llm.policies.apiKey.keys[0].metadata: must be an object
c.yaml:5:81: llm.policies.apiKey.location.queryParameter.name: must be the name of a parameter
c.yaml:6:29: llm.policies.authorization.rules[0]: only one of allow, deny can be given
c.yaml:6:50: llm.policies.authorization.rules[1]: one of allow, deny, require is needed
c.yaml:6:54: llm.policies.authorization.rules[2]: must be a single value
c.yaml:7:21: llm.policies.localRateLimit: must be a list
c.yaml:8:14: llm.gateways[0]: must be a single value`},
	{"cookie", "llm: {models: [], policies: {apiKey: {keys: [], location: {cookie: {name: 'a b'}}}}}\n",
		`c.yaml:1:75: llm.policies.apiKey.location.cookie.name: must be the name of a cookie`},
	{"alias of no model", "gateways: {default: {port: 1}}\nroutes: [{policies: {ai: {modelAliases: {a: ''}}}}]\n",
		`c.yaml:2:42: routes[0].policies.ai.modelAliases.a: must name a model`},
	{"hosts to send to", `
llm:
  models:
  - {name: a, provider: openAI, params: {hostOverride: "[::1]:80"}}
  - {name: b, provider: openAI, params: {hostOverride: "::1"}}
  - {name: c, provider: openAI, params: {hostOverride: "h:0"}}
  - {name: d, provider: openAI, params: {hostOverride: "[h]:80"}}
  - {name: e, provider: openAI, params: {hostOverride: "http://h"}}
  - {name: f, provider: openAI, params: {hostOverride: "h:1:2"}}
`, `
c.yaml:6:56: llm.models[2].params.hostOverride: must be host:port
c.yaml:7:56: llm.models[3].params.hostOverride: must be host:port
c.yaml:8:56: llm.models[4].params.hostOverride: must be host:port; leave out what stands before the host
c.yaml:9:56: llm.models[5].params.hostOverride: must be host:port`},
	{"mode of a bind", "binds: [{port: 1, mode: internal, listeners: []}]\n", `c.yaml:1:25: binds[0].mode: "internal" is none of standard`},
	{"long values are cut", "llm: {models: [{name: a, provider: " + strings.Repeat("x", 80) + "}]}\n",
		`c.yaml:1:36: llm.models[0].provider: unknown provider "` + strings.Repeat("x", 60) + `…"; known are openAI, anthropic, simulated, custom, reference, baseten, cerebras, cohere, deepinfra, deepseek, fireworks, groq, huggingface, mistral, ollama, openrouter, togetherai, xai`},
	{"plain backends and redirects", `
gateways: {default: {port: 1, bindAddress: localhost}}
backends: [{name: p, host: "h:80", policies: {ai: {}}}]
routes:
- policies: {requestRedirect: {status: 304}}
- {matches: [{path: {exact: /a}}], policies: {requestRedirect: {scheme: ftp, authority: nobody, path: {prefix: y}}}}
- backends: [{host: "http://h:80"}, {host: "h:80", ai: {provider: openAI}}, {host: "h:80", policies: {ai: {defaults: {a: 1}}}}]
`, `
c.yaml:2:44: gateways.default.bindAddress: must be an IP address such as 127.0.0.1 or ::1
c.yaml:3:51: backends[0].policies.ai: is for providers of models; requests to a host are passed on as they are
c.yaml:5:40: routes[0].policies.requestRedirect.status: must be 301, 302, 303, 307 or 308
c.yaml:6:73: routes[1].policies.requestRedirect.scheme: "ftp" is none of http, https
c.yaml:6:89: routes[1].policies.requestRedirect.authority: "nobody" is none of auto, none
c.yaml:6:112: routes[1].policies.requestRedirect.path.prefix: must be a path that begins with /
c.yaml:6:112: routes[1].policies.requestRedirect.path.prefix: needs a pathPrefix in every match of the route
c.yaml:7:21: routes[2].backends[0].host: must be host:port; leave out what stands before the host
c.yaml:7:37: routes[2].backends[1]: only one of ai, host can be given
c.yaml:7:107: routes[2].backends[2].policies.ai: is for providers of models; requests to a host are passed on as they are`},
	{"newer fields", `
llm:
  guardrails: {}
  providers: [{name: p, provider: openAI, defaults: {transformation: {}, temperature: 1}}]
  models: [{name: a, provider: openAI, serverTools: {}, params: {bedrockEndpointPreference: runtimeOnly}}]
gateways: {default: {port: 1}}
binds: [{port: 2, protocol: AUTO, listeners: []}]
backends: [{name: b, internal: forward}]
frontendPolicies: {proxyProtocol: {}, networkExtAuthz: {}}
routes: [{policies: {ai: {serverTools: {}}}, backends: [{backend: b, policies: {sessionAffinity: {}, backendTLS: {spiffe: {}}}}]}]
`, `
c.yaml:3:3: llm.guardrails: is not yet supported
c.yaml:4:54: llm.providers[0].defaults.transformation: is not yet supported
c.yaml:4:74: llm.providers[0].defaults.temperature: unknown field
c.yaml:5:40: llm.models[0].serverTools: is not yet supported
c.yaml:5:66: llm.models[0].params.bedrockEndpointPreference: is not yet supported
c.yaml:7:19: binds[0].protocol: is not yet supported
c.yaml:8:22: backends[0].internal: is not yet supported
c.yaml:9:20: frontendPolicies.proxyProtocol: is not yet supported
c.yaml:9:39: frontendPolicies.networkExtAuthz: is not yet supported
c.yaml:10:27: routes[0].policies.ai.serverTools: is not yet supported
c.yaml:10:81: routes[0].backends[0].policies.sessionAffinity: is not yet supported
c.yaml:10:115: routes[0].backends[0].policies.backendTLS.spiffe: is not yet supported`},
	{"policies twice", `
gateways: {g: {port: 1, listeners: [{apiKey: {keys: []}, policies: {apiKey: {keys: []}, authorization: {rules: []}}, authorization: {rules: []}, cors: {}}]}}
binds: [{port: 2, listeners: [{routes: [{backends: [{ai: {provider: openAI, backendAuth: {key: a}, ai: {}, health: {}, policies: {backendAuth: {key: b}, backendTLS: {}}}}]}]}]}]
frontendPolicies: {accessLog: {}, logging: {}}
`, `
c.yaml:2:77: gateways.g.listeners[0].policies.apiKey: is given twice, here and beside policies
c.yaml:2:104: gateways.g.listeners[0].policies.authorization: is given twice, here and beside policies
c.yaml:3:144: binds[0].listeners[0].routes[0].backends[0].ai.policies.backendAuth: is given twice, here and beside policies
c.yaml:4:35: frontendPolicies.logging: is given twice, here and as accessLog`},
	{"patterns in lists", `
gateways: {default: {port: 1}}
routes:
- matches: [{path: {regex: []}}, {path: {regex: [a, 1, 2]}}, {path: {regex: ["(", 1]}}, {path: {regex: [a, b]}}, {path: {regex: [[a]]}}]
`, `
c.yaml:4:28: routes[0].matches[0].path.regex: must be text, or a list of the text and a number
c.yaml:4:49: routes[0].matches[1].path.regex: must be text, or a list of the text and a number
c.yaml:4:77: routes[0].matches[2].path.regex: must be a regular expression that RE2 understands: missing closing ): ` + "`(`" + `
c.yaml:4:108: routes[0].matches[3].path.regex[1]: must be a whole number
c.yaml:4:129: routes[0].matches[4].path.regex: must be a single value`},
	{"catalogs", "config: {modelCatalog: [{file: gone, inline: b}, {url: c}, d]}\n", `
c.yaml:1:25: config.modelCatalog[0]: only one of file, inline can be given
c.yaml:1:32: config.modelCatalog[0].file: cannot read the file gone: file does not exist
c.yaml:1:50: config.modelCatalog[1]: one of file, inline is needed
c.yaml:1:51: config.modelCatalog[1].url: unknown field
c.yaml:1:60: config.modelCatalog[2]: must be an object`},
	{"one cause, one problem", `
llm:
  port: $NO
  providers: [{name: shared, provider: openAI, params: {apiKey: k}, defaults: {auth: {key: k}, requestHeaders: {remove: ["a b"]}}}, {name: $NO, provider: openAI}]
  models:
  - {name: $NO, provider: openAI, params: {baseUrl: $NO, pathPrefix: $NO}}
  - {name: b, provider: {reference: shared}}
  - {name: c, provider: {reference: shared}}
  - {name: d, provider: {reference: $NO}}
  - ~
  policies:
    localRateLimit: [{maxTokens: $NO, tokensPerFill: 5, fillInterval: 1s}, {fillInterval: $NO}, ~]
    apiKey: {keys: [{key: $NO}], location: {header: {name: $NO}}}
config: {adminAddr: $NO, statsAddr: $NO}
gateways: {default: {port: $NO}}
routes:
- matches: [{path: {regex: $NO}}]
  hostnames: [$NO]
  policies: {urlRewrite: {path: {prefix: $NO}}}
  backends: [{ai: {provider: {custom: {formats: [{type: messages}]}}, hostOverride: $NO}}, {ai: {groups: [~]}}]
tollgate: {metrics: {keyLabels: [team]}}
`, `
c.yaml:3:9: llm.port: environment variable not found: NO; @
c.yaml:4:86: llm.providers[0].defaults.auth: cannot be used with params.apiKey
c.yaml:4:122: llm.providers[0].defaults.requestHeaders.remove[0]: must be the name of a header
c.yaml:4:140: llm.providers[1].name: environment variable not found: NO; @
c.yaml:6:12: llm.models[0].name: environment variable not found: NO; @
c.yaml:6:53: llm.models[0].params.baseUrl: environment variable not found: NO; @
c.yaml:6:70: llm.models[0].params.pathPrefix: environment variable not found: NO; @
c.yaml:9:37: llm.models[3].provider.reference: environment variable not found: NO; @
c.yaml:10:5: llm.models[4]: must not be empty
c.yaml:12:34: llm.policies.localRateLimit[0].maxTokens: environment variable not found: NO; @
c.yaml:12:91: llm.policies.localRateLimit[1].fillInterval: environment variable not found: NO; @
c.yaml:12:97: llm.policies.localRateLimit[2]: must not be empty
c.yaml:13:27: llm.policies.apiKey.keys[0].key: environment variable not found: NO; @
c.yaml:13:60: llm.policies.apiKey.location.header.name: environment variable not found: NO; @
c.yaml:14:21: config.adminAddr: environment variable not found: NO; @
c.yaml:14:37: config.statsAddr: environment variable not found: NO; @
c.yaml:15:28: gateways.default.port: environment variable not found: NO; @
c.yaml:17:28: routes[0].matches[0].path.regex: environment variable not found: NO; @
c.yaml:18:15: routes[0].hostnames[0]: environment variable not found: NO; @
c.yaml:19:42: routes[0].policies.urlRewrite.path.prefix: environment variable not found: NO; @
c.yaml:20:85: routes[0].backends[0].ai.hostOverride: environment variable not found: NO; @
c.yaml:20:107: routes[0].backends[1].ai.groups[0]: must not be empty
c.yaml:21:34: tollgate.metrics.keyLabels[0]: "team" is none of key_id, key_name`},
	{"labels", `
config: {metrics: {fields: {add: {a-b: "1", __c: "1", d_1: "1", key_id: "1", 1e: "1"}}}}
tollgate: {metrics: {keyLabels: [key_name, key_id, key_id]}}
`, `
c.yaml:2:35: config.metrics.fields.add.a-b: is no name that a label can have; use letters, digits and _, with no digit and no __ in front
c.yaml:2:45: config.metrics.fields.add.__c: is no name that a label can have; use letters, digits and _, with no digit and no __ in front
c.yaml:2:65: config.metrics.fields.add.key_id: is given twice, here and in tollgate.metrics.keyLabels
c.yaml:2:78: config.metrics.fields.add."1e": is no name that a label can have; use letters, digits and _, with no digit and no __ in front
c.yaml:3:52: tollgate.metrics.keyLabels[2]: is given twice`},
	{"routes", `
gateways: {default: {port: 4000}}
backends: [{name: known, ai: {provider: {openAI: {}}}}, {name: known, ai: {provider: {openAI: {}}}}]
routes:
- hostnames: ["a*b", "*.ok.example"]
  matches: [{path: {exact: x}}, {path: {regex: "("}}, {path: {}}, {path: {exact: /a, regex: b}}, {method: "a b"}]
- matches: [{headers: [{name: "a b", value: {regex: "["}}], query: [{name: q, value: {}}]}]
- matches: [{path: {exact: /a}}]
  policies: {urlRewrite: {path: {prefix: /b}}}
- policies: {urlRewrite: {path: {full: x}, authority: nobody}}
- backends: [{backend: knwon}, {}, {ai: {groups: []}}, {ai: {groups: [{providers: []}]}}]
- policies: {requestHeaderModifier: {set: {"a b": c, d: "e\n"}, remove: ["f:"]}}
- policies: {backendTLS: {cert: c.pem}}
- policies: {directResponse: {status: 99}}
- policies: {retry: {attempts: 0, codes: [99]}}
- policies: {cors: {allowOrigins: ["", "https://*.*"], allowMethods: ["a b"]}}
- policies: {ai: {modelAliases: {"a*b": c}, routes: {"": completions, x: chat}}}
`, `
c.yaml:3:64: backends[1].name: another backend is called "known" too
c.yaml:5:15: routes[0].hostnames[0]: must be a host name, or *. and a host name
c.yaml:6:20: routes[0].matches[0].path: a path begins with /
c.yaml:6:48: routes[0].matches[1].path.regex: must be a regular expression that RE2 understands: missing closing ): ` + "`(`" + `
c.yaml:6:62: routes[0].matches[2].path: one of exact, pathPrefix, regex is needed
c.yaml:6:74: routes[0].matches[3].path: only one of exact, regex can be given
c.yaml:6:107: routes[0].matches[4].method: must be a method such as POST
c.yaml:7:31: routes[1].matches[0].headers[0].name: must be the name of a header
c.yaml:7:53: routes[1].matches[0].headers[0].value.regex: must be a regular expression that RE2 understands: missing closing ]: ` + "`[`" + `
c.yaml:7:86: routes[1].matches[0].query[0].value: one of exact, regex is needed
c.yaml:9:42: routes[2].policies.urlRewrite.path.prefix: needs a pathPrefix in every match of the route
c.yaml:10:40: routes[3].policies.urlRewrite.path.full: must be a path that begins with /
c.yaml:10:55: routes[3].policies.urlRewrite.authority: "nobody" is none of auto, none
c.yaml:11:24: routes[4].backends[0].backend: there is no backend called "knwon"; did you mean "known"?
c.yaml:11:32: routes[4].backends[1]: one of ai, backend, host is needed
c.yaml:11:50: routes[4].backends[2].ai.groups: needs at least one group
c.yaml:11:83: routes[4].backends[3].ai.groups[0].providers: needs at least one provider
c.yaml:12:44: routes[5].policies.requestHeaderModifier.set."a b": must be the name of a header
c.yaml:12:54: routes[5].policies.requestHeaderModifier.set.d: has characters that a header cannot have
c.yaml:12:74: routes[5].policies.requestHeaderModifier.remove[0]: must be the name of a header
c.yaml:13:33: routes[6].policies.backendTLS.cert: cannot read the file c.pem: file does not exist
c.yaml:14:39: routes[7].policies.directResponse.status: must be between 200 and 599
c.yaml:15:32: routes[8].policies.retry.attempts: must be between 1 and 255
c.yaml:15:43: routes[8].policies.retry.codes[0]: must be between 100 and 599
c.yaml:16:36: routes[9].policies.cors.allowOrigins[0]: must be an origin such as https://app.example.com
c.yaml:16:40: routes[9].policies.cors.allowOrigins[1]: has more than one wildcard
c.yaml:16:71: routes[9].policies.cors.allowMethods[0]: must be a single word
c.yaml:17:34: routes[10].policies.ai.modelAliases."a*b": has a wildcard in the middle; it can only begin or end with one
c.yaml:17:54: routes[10].policies.ai.routes."": must be the end of a path, or *
c.yaml:17:74: routes[10].policies.ai.routes.x: "chat" is none of completions, messages, models, passthrough, detect, responses, embeddings, realtime, anthropicTokenCount, generateContent, geminiCountTokens, rerank
`},
}

func TestProblems(t *testing.T) {
	for _, tt := range each {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.ReplaceAll(tt.want, "@", "set it, or write ${NO:-default}; $$ stands for a dollar sign")
			check(t, problems(t, world{}, tt.text), want)
		})
	}
}

// TestNoSecretInProblems keeps what may be a secret out of every message.
func TestNoSecretInProblems(t *testing.T) {
	for _, text := range []string{
		"llm: {models: [], policies: {apiKey: {keys: [{key: [canary]}, {key: {canary2: x}}]}}}",
		"llm: {models: [], policies: {apiKey: {keys: [{key: $C}, {key: $C}, {keyHash: $C}]}}}",
		"llm: {models: [{name: a, provider: $C, passthrough: $C, visibility: $C, params: {apiKey: {file: x}, baseUrl: $C}}]}",
		"llm: {models: [], port: $C}",
		"config: {adminAddr: $C, connectionTerminationDeadline: $C, logging: {level: $C}}",
		"gateways: {default: {port: 1}}\nroutes: [{policies: {requestHeaderModifier: {set: {a: \"${C}\\n\"}}, urlRewrite: {authority: $C}}}]",
	} {
		got := problems(t, world{env: map[string]string{"C": "canary-value"}}, text)
		if got == "" || strings.Contains(got, "canary-value") || strings.Contains(got, "[canary") {
			t.Errorf("%s\ngave:\n%s", text, got)
		}
	}
}
