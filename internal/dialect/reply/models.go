package reply

import (
	"strconv"
	"time"

	"tollgate/internal/dialect"
)

// ModelEntry is one line of the list of models.
type ModelEntry struct {
	ID      string
	Created time.Time
	OwnedBy string // "" says "openai", as agentgateway does
}

// Models appends the list of models as OpenAI gives it, or as Anthropic does.
func Models(dst []byte, d dialect.Dialect, models []ModelEntry) []byte {
	if d == dialect.Anthropic {
		return anthropicModels(dst, models)
	}
	dst = append(dst, `{"object":"list","data":[`...)
	for i := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = Model(dst, d, models[i])
	}
	return append(dst, "]}"...)
}

// Model appends one entry of the list by itself.
func Model(dst []byte, d dialect.Dialect, m ModelEntry) []byte {
	if d == dialect.Anthropic {
		dst = append(dst, `{"type":"model","id":`...)
		dst = appendString(dst, m.ID)
		dst = append(dst, `,"display_name":`...)
		dst = appendString(dst, m.ID)
		dst = append(dst, `,"created_at":"`...)
		dst = m.Created.UTC().AppendFormat(dst, time.RFC3339)
		return append(dst, `"}`...)
	}
	owner := m.OwnedBy
	if owner == "" {
		owner = "openai"
	}
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, m.ID)
	dst = append(dst, `,"object":"model","created":`...)
	dst = strconv.AppendInt(dst, m.Created.Unix(), 10)
	dst = append(dst, `,"owned_by":`...)
	dst = appendString(dst, owner)
	return append(dst, '}')
}

func anthropicModels(dst []byte, models []ModelEntry) []byte {
	var first, last string
	dst = append(dst, `{"data":[`...)
	for i := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = Model(dst, dialect.Anthropic, models[i])
	}
	if len(models) > 0 {
		first, last = models[0].ID, models[len(models)-1].ID
	}
	dst = append(dst, `],"has_more":false,"first_id":`...)
	dst = appendNullable(dst, first)
	dst = append(dst, `,"last_id":`...)
	dst = appendNullable(dst, last)
	return append(dst, '}')
}
