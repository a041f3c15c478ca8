package reply

import "tollgate/internal/fault"

// Plain gives the one line of text that agentgateway answers with. The answer
// is false for the errors of its model router, which are JSON there, too: see
// RouterError.
func Plain(e *fault.Error) (string, bool) {
	if ofRouter(e) {
		return "", false
	}
	if e.Plain != "" {
		return e.Plain, true
	}
	switch e.Kind {
	case fault.Unauthenticated:
		return "api key authentication failure: invalid credentials", true
	case fault.Forbidden:
		return "authorization failed", true
	case fault.NotFound:
		return "route not found", true
	case fault.Limited:
		return "rate limit exceeded", true
	case fault.Upstream, fault.Unavailable:
		return "upstream call failed: " + e.Message, true
	case fault.Timeout:
		return "request timeout", true
	case fault.Invalid:
		return "failed to process LLM request: " + e.Message, true
	default:
		return e.Message, true
	}
}

// ofRouter tells whether an error is one of those that agentgateway's model
// router reports, by its code.
func ofRouter(e *fault.Error) bool {
	switch e.Code {
	case "missing_model", "invalid_request_body", "request_body_decode_failed", "request_body_rewrite_failed",
		"request_uri_rewrite_failed", "request_body_too_large",
		"model_not_allowed", "model_authorization_denied", "model_not_found",
		"virtual_model_no_matching_target", "virtual_model_not_resolved", "virtual_model_target_not_found",
		"budget_exceeded":
		return true
	}
	return false
}

// RouterError appends the body of an error of agentgateway's model router,
// which has one shape whatever the dialect.
func RouterError(dst []byte, e *fault.Error) []byte {
	message := e.Plain
	if message == "" {
		message = e.Message
	}
	kind := "invalid_request_error"
	if e.Kind == fault.Limited {
		kind = "rate_limit_error"
	}
	dst = append(dst, `{"error":{"message":`...)
	dst = appendString(dst, message)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","code":`...)
	dst = appendString(dst, e.Code)
	return append(dst, "}}"...)
}

// Reason gives the value of the label "reason" of agentgateway_requests_total.
func Reason(e *fault.Error) string {
	if e.Reason != "" {
		return e.Reason
	}
	switch e.Kind {
	case fault.Invalid, fault.TooLarge, fault.Unsupported, fault.Unimplemented:
		return "InvalidRequest"
	case fault.Unauthenticated:
		return "APIKeyAuth"
	case fault.Forbidden:
		return "Authorization"
	case fault.NotFound, fault.Misdirected:
		return "NotFound"
	case fault.Limited:
		return "RateLimit"
	case fault.Upstream, fault.Unavailable:
		return "UpstreamFailure"
	case fault.Timeout:
		return "Timeout"
	default:
		return "Internal"
	}
}
