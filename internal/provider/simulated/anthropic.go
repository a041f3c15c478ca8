package simulated

import (
	"strconv"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// message is an answer in Anthropic's dialect.
type message struct {
	*call
}

func (c *call) messages() (*provider.Response, error) {
	if c.peeked.MaxTokens == 0 {
		e := fault.New(fault.Invalid, "", "max_tokens: Field required")
		e.Param = "max_tokens"
		return nil, e
	}
	m := &message{c}
	if c.peeked.Stream {
		return c.stream(m), nil
	}
	dst := make([]byte, 0, 512+8*c.text.n)
	dst = append(m.appendOpening(dst), `,"content":[{"type":"text","text":"`...)
	dst = append(c.text.appendAll(dst), `"}],"stop_reason":"`...)
	dst = append(append(dst, m.stopReason()...), `","stop_sequence":null,`...)
	return c.spoken(append(m.appendUsage(dst, int64(c.text.n)), '}'))
}

func (m *message) stopReason() string {
	if m.text.cut {
		return "max_tokens"
	}
	return "end_turn"
}

func (m *message) appendOpening(dst []byte) []byte {
	dst = m.appendID(append(dst, `{"id":"`...), "msg_")
	return appendString(append(dst, `","type":"message","role":"assistant","model":`...), m.peeked.Model)
}

func (m *message) appendUsage(dst []byte, output int64) []byte {
	dst = appendInt(dst, `"usage":{"input_tokens":`, m.input)
	dst = appendInt(dst, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":`, output)
	return append(dst, `,"service_tier":"standard"}`...)
}

func (m *message) head(dst []byte) []byte {
	dst = m.appendOpening(append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...))
	dst = m.appendUsage(append(dst, `,"content":[],"stop_reason":null,"stop_sequence":null,`...), 0)
	return append(dst, "}}\n\n"+
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"+
		"event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

func (m *message) token(dst []byte, i int) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\""...)
	return append(m.text.appendWord(dst, i), "\"}}\n\n"...)
}

func (m *message) tail(dst []byte) []byte {
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"+
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(append(dst, m.stopReason()...), `","stop_sequence":null},"usage":{"output_tokens":`...)
	dst = strconv.AppendInt(dst, int64(m.text.n), 10)
	return append(dst, "}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
}
