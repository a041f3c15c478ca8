//go:build nokube

package app

import (
	"context"
	"errors"

	"tollgate/internal/config"
)

// cluster is left out of this program.
type cluster struct{}

func (a *App) connect() error {
	if a.options.Kubernetes != nil {
		return errors.New("this program was built without Kubernetes (the build tag nokube)")
	}
	return nil
}

func (a *App) follow(context.Context, chan<- error) {}

func (a *App) followed(context.Context, *config.Config, *config.Report) (*loaded, error) {
	return nil, errors.New("this program was built without Kubernetes")
}
