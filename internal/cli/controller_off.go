//go:build nokube

package cli

import (
	"context"
	"errors"
	"log/slog"
)

func (c *controller) run(context.Context, *slog.Logger) error {
	return errors.New("this program was built without Kubernetes (the build tag nokube)")
}
