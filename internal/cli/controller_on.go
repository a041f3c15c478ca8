//go:build !nokube

package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"tollgate/internal/adminapi"
	"tollgate/internal/kube"
	"tollgate/internal/kube/deployment"
)

func (c *controller) run(ctx context.Context, log *slog.Logger) error {
	connection, namespace, err := kube.Config(c.Kubeconfig)
	if err != nil {
		return fmt.Errorf("find the Kubernetes cluster: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find a name for this controller: %w", err)
	}
	d, err := deployment.New(connection, deployment.Options{
		Settings: deployment.Settings{
			Image: c.Image, Class: c.KubeClass, Wide: c.ClusterWide, Storage: c.Storage, StorageClass: c.StorageClass, ServiceType: c.ServiceType, Replicas: c.Replicas,
		},
		Namespace: c.KubeNamespace, LeaseNamespace: cmp.Or(c.Namespace, c.PodNamespace, namespace, "default"), Identity: host + "_" + rand.Text()[:8],
		PodNamespace: c.PodNamespace, PodName: c.PodName, ForeignBackends: c.ForeignBackends, Version: build().Version, Log: log, Library: kube.Demoted(log.Handler()),
	})
	if err != nil {
		return usageError(err.Error())
	}
	closed, err := c.listen(d.Waiting, log)
	if err != nil {
		return err
	}
	defer closed()
	return d.Run(ctx)
}

// listen tells whoever asks whether the controller is ready, until that is closed.
func (c *controller) listen(waiting func() []string, log *slog.Logger) (closed func(), err error) {
	if c.ReadinessAddr == "off" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", c.ReadinessAddr)
	if err != nil {
		return nil, fmt.Errorf("open the readiness listener (--readiness-addr moves it, off leaves it out): %w", err)
	}
	server := &http.Server{
		Handler:           adminapi.ReadyHandler(waiting),
		ReadHeaderTimeout: 15 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the readiness listener has ended", "error", err)
		}
	}()
	return func() { _ = server.Close(); <-ended }, nil
}
