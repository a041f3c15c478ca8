// Package config turns a configuration text into plain data with complete
// diagnostics. It owns the format: the fields and their documentation, defaults,
// expansion of environment variables, the reading of files that a configuration
// refers to, every rule that needs nothing but the data, and the watching of
// files. It must not know what the data configures: it imports no gateway, no
// routing and no keys, and compiles no expression.
//
// The types of this package are at once the decoder's table and the source of
// the JSON Schema, so the two cannot disagree. Their struct tags:
//
//	json       name of the field; "-" is filled by Load and not part of the format
//	also       another name of the field
//	doc        one sentence for the schema
//	required   "true": leaving it out is a problem
//	default    value when it is left out, written as in a file
//	enum       the values allowed, separated by commas
//	min, max   bounds of a number
//	pair       "true": a list of the text and a number will do, the number means nothing
//
// and on a blank field, for the type as a whole:
//
//	oneof      of these fields exactly one is given
//	later      known to agentgateway, refused as not yet supported
//	aside      belongs to other parts of agentgateway: left aside with a warning
//	idle       accepted with a warning, because it has no effect yet
package config
