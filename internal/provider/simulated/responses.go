package simulated

import (
	"strconv"

	"tollgate/internal/provider"
)

// response is an answer in OpenAI's responses format.
type response struct {
	*call
	item []byte // the id of the one output item, as JSON
	next int64  // sequence number of the next event
}

func (c *call) responses() (*provider.Response, error) {
	r := &response{call: c}
	r.item = append(c.appendID([]byte{'"'}, "msg_"), '"')
	if c.peeked.Stream {
		return c.stream(r), nil
	}
	return c.spoken(r.appendObject(make([]byte, 0, 1024+8*c.text.n), r.status()))
}

// status is that of the finished response.
func (r *response) status() string {
	if r.text.cut {
		return "incomplete"
	}
	return "completed"
}

// appendObject appends the response in a status. While it is in progress it has
// neither output nor usage.
func (r *response) appendObject(dst []byte, status string) []byte {
	dst = r.appendID(append(dst, `{"id":"`...), "resp_")
	dst = appendInt(dst, `","object":"response","created_at":`, r.settings.Now().Unix())
	dst = append(append(dst, `,"status":"`...), status...)
	dst = append(dst, `","background":false,"error":null,"incomplete_details":`...)
	if status == "incomplete" {
		dst = append(dst, `{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"instructions":null,"max_output_tokens":`...)
	if r.peeked.MaxTokens > 0 {
		dst = strconv.AppendInt(dst, r.peeked.MaxTokens, 10)
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendString(append(dst, `,"model":`...), r.peeked.Model)
	dst = append(dst, `,"output":[`...)
	done := status != "in_progress"
	if done {
		dst = r.appendItem(dst, status)
	}
	dst = append(dst, `],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},`+
		`"service_tier":"default","store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],`+
		`"top_p":1.0,"truncation":"disabled","usage":`...)
	if !done {
		return append(dst, `null,"user":null,"metadata":{}}`...)
	}
	output := int64(r.text.n)
	dst = appendInt(dst, `{"input_tokens":`, r.input)
	dst = appendInt(dst, `,"input_tokens_details":{"cached_tokens":0},"output_tokens":`, output)
	dst = appendInt(dst, `,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":`, r.input+output)
	return append(dst, `},"user":null,"metadata":{}}`...)
}

// appendItem appends the output item; while it is in progress it has no content.
func (r *response) appendItem(dst []byte, status string) []byte {
	dst = append(append(dst, `{"id":`...), r.item...)
	dst = append(append(dst, `,"type":"message","status":"`...), status...)
	dst = append(dst, `","role":"assistant","content":[`...)
	if status != "in_progress" {
		dst = r.appendPart(dst, true)
	}
	return append(dst, "]}"...)
}

func (r *response) appendPart(dst []byte, full bool) []byte {
	dst = append(dst, `{"type":"output_text","annotations":[],"logprobs":[],"text":"`...)
	if full {
		dst = r.text.appendAll(dst)
	}
	return append(dst, `"}`...)
}

// appendEvent appends the beginning of an event, up to its own members.
func (r *response) appendEvent(dst []byte, name string) []byte {
	dst = append(append(dst, "event: "...), name...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), name...)
	dst = appendInt(dst, `","sequence_number":`, r.next)
	r.next++
	return append(dst, ',')
}

// appendPartEvent appends the beginning of an event about the one part.
func (r *response) appendPartEvent(dst []byte, name string) []byte {
	dst = append(append(r.appendEvent(dst, name), `"item_id":`...), r.item...)
	return append(dst, `,"output_index":0,"content_index":0,`...)
}

func (r *response) head(dst []byte) []byte {
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		dst = append(r.appendEvent(dst, name), `"response":`...)
		dst = append(r.appendObject(dst, "in_progress"), "}\n\n"...)
	}
	dst = append(r.appendEvent(dst, "response.output_item.added"), `"output_index":0,"item":`...)
	dst = append(r.appendItem(dst, "in_progress"), "}\n\n"...)
	dst = append(r.appendPartEvent(dst, "response.content_part.added"), `"part":`...)
	return append(r.appendPart(dst, false), "}\n\n"...)
}

func (r *response) token(dst []byte, i int) []byte {
	dst = append(r.appendPartEvent(dst, "response.output_text.delta"), `"delta":"`...)
	return append(r.text.appendWord(dst, i), "\",\"logprobs\":[]}\n\n"...)
}

func (r *response) tail(dst []byte) []byte {
	dst = append(r.appendPartEvent(dst, "response.output_text.done"), `"text":"`...)
	dst = append(r.text.appendAll(dst), "\",\"logprobs\":[]}\n\n"...)
	dst = append(r.appendPartEvent(dst, "response.content_part.done"), `"part":`...)
	dst = append(r.appendPart(dst, true), "}\n\n"...)
	dst = append(r.appendEvent(dst, "response.output_item.done"), `"output_index":0,"item":`...)
	dst = append(r.appendItem(dst, r.status()), "}\n\n"...)
	dst = append(r.appendEvent(dst, "response."+r.status()), `"response":`...)
	return append(r.appendObject(dst, r.status()), "}\n\n"...)
}
