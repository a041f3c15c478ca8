// Package expression evaluates the CEL expressions of a configuration against
// one request. It owns the variables that an expression can see, their names
// and when they are absent, and it is the only package that knows the CEL
// library. It does not know what an expression is for.
//
// The variables are those of agentgateway, as far as they have a value here:
//
//	request     method, uri, path, pathAndQuery, host, scheme, version, headers (by lower-case name)
//	apiKey      the key's metadata, id, name, key (redacted); absent without a virtual key
//	source      address, port
//	llm         requestModel, responseModel, provider, streaming, the token counts, params
//	llmRequest  the JSON body of the request
//	response    code, headers; absent before there is a response
//	backend     name; absent before one is chosen
//
// Evaluating something absent is an error, as is a member that is not there.
// Besides the standard functions there are the string functions of CEL's
// extension library, base64, optional values, json(text), and two that turn an
// error into a value: default(expression, otherwise) and coalesce(a, b, …).
package expression
