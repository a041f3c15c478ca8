package dataplane

import (
	"net/http"
	"strings"

	"tollgate/internal/fault"
)

// inspect refuses what two programs could read differently: a path that a
// provider may decode or resolve once more, and a Connection header that asks
// an intermediary to drop what protects the request.
func inspect(r *http.Request, came arrived, out *responder) *fault.Error {
	if err := inspectPath(r); err != nil {
		return err
	}
	for _, line := range r.Header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "", "keep-alive", "close", "upgrade", "te", "http2-settings":
			default:
				return fault.New(fault.Invalid, "invalid_header",
					"The Connection header names a header that must not be dropped. Send only keep-alive or close.")
			}
		}
	}
	if len(r.TransferEncoding) == 0 || r.ProtoMajor > 1 {
		return nil
	}
	if came.head != nil && !hasLength(came.head) {
		return nil
	}
	// There is a length as well, or what stood in the head can no longer be
	// seen. Whoever sits in front of us may have framed the request by it:
	// nothing else of this connection is trusted (RFC 9112, 6.3).
	out.Header().Set("Connection", "close")
	if came.head != nil {
		return fault.New(fault.Invalid, "conflicting_length",
			"The request has both Content-Length and Transfer-Encoding. Send one of them.")
	}
	return nil
}

func inspectPath(r *http.Request) *fault.Error {
	path := r.URL.Path
	if !strings.HasPrefix(path, "/") {
		return fault.New(fault.Invalid, "invalid_path", "The request target must be an absolute path.")
	}
	// EscapedPath, because RawPath is empty where the usual encoding of the
	// decoded path is what was sent.
	if raw := r.URL.EscapedPath(); strings.Contains(raw, "%") {
		lower := strings.ToLower(raw)
		for _, code := range [...]string{"%2f", "%5c", "%2e", "%00", "%25", "%3f", "%23", "%3b"} {
			if strings.Contains(lower, code) {
				return fault.New(fault.Invalid, "invalid_path",
					"The path holds the encoded character %s, which programs read differently. Send it decoded, or not at all.", code)
			}
		}
	}
	for i := range len(path) {
		if c := path[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return fault.New(fault.Invalid, "invalid_path", "The path holds a control character or a backslash.")
		}
	}
	if strings.Contains(path, "/.") {
		for segment := range strings.SplitSeq(path, "/") {
			if segment == "." || segment == ".." {
				return fault.New(fault.Invalid, "invalid_path", "The path holds a dot segment (%q). Send the path it stands for.", segment)
			}
		}
	}
	return nil
}
