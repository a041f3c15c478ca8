package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

func (s *service) server(backup func(context.Context, control.Call, io.Writer) error) {
	register(s, "getHealth", about{tag: "Server", summary: "Show how the server is"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.Health, error) {
			return s.control.Health(ctx, rq.Call)
		})
	stream(s, "backup", about{
		tag: "Server", summary: "Make a backup", gives: "application/x-tar",
		text: "A tar archive of the data as it is at one moment, made while the server goes on serving. The connection breaks if it cannot be finished.",
	}, func(ctx context.Context, rq *asked, _ *none, out *output) error {
		out.file = "tollgate-backup.tar"
		return backup(ctx, rq.Call, out)
	})
}

// document writes the OpenAPI document.
func (s *service) document() []byte {
	text, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		panic("adminapi: the OpenAPI document cannot be written: " + err.Error())
	}
	var pretty bytes.Buffer
	_ = json.Indent(&pretty, text, "", "  ") // what was just written is JSON
	pretty.WriteByte('\n')
	return pretty.Bytes()
}
