package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mountVolumes makes a directory for each volume of the pod and fills it. A claim's
// directory outlives the pod.
func (p *pod) mountVolumes(ctx context.Context) error {
	p.volumes = map[string]string{}
	for i := range p.spec.Spec.Volumes {
		v := &p.spec.Spec.Volumes[i]
		dir := filepath.Join(p.dir, "volumes", v.Name)
		if v.PersistentVolumeClaim != nil {
			dir = filepath.Join(p.node.opt.Dir, "claims", p.spec.Namespace, v.PersistentVolumeClaim.ClaimName)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the volume %s: %w", v.Name, err)
		}
		if err := p.fill(ctx, v, dir); err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
		p.volumes[v.Name] = dir
	}
	return nil
}

func (p *pod) fill(ctx context.Context, v *corev1.Volume, dir string) error {
	switch {
	case v.EmptyDir != nil:
		return nil
	case v.PersistentVolumeClaim != nil:
		_, err := p.node.core.PersistentVolumeClaims(p.spec.Namespace).Get(ctx, v.PersistentVolumeClaim.ClaimName, metav1.GetOptions{})
		return err
	case v.Secret != nil:
		return p.secretFiles(ctx, dir, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.ConfigMap != nil:
		return p.configFiles(ctx, dir, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Projected != nil:
		for i := range v.Projected.Sources {
			if err := p.project(ctx, &v.Projected.Sources[i], dir); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("this node does not know volumes of its kind")
}

func (p *pod) project(ctx context.Context, s *corev1.VolumeProjection, dir string) error {
	switch {
	case s.ServiceAccountToken != nil:
		return p.account(ctx, filepath.Join(dir, s.ServiceAccountToken.Path))
	case s.Secret != nil:
		return p.secretFiles(ctx, dir, s.Secret.Name, s.Secret.Items, s.Secret.Optional)
	case s.ConfigMap != nil:
		return p.configFiles(ctx, dir, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
	case s.DownwardAPI != nil:
		files := map[string][]byte{}
		for _, item := range s.DownwardAPI.Items {
			value, err := p.field(item.FieldRef.FieldPath)
			if err != nil {
				return err
			}
			files[item.Path] = []byte(value)
		}
		return write(dir, files, nil)
	}
	return fmt.Errorf("this node does not know projections of its kind")
}

// account writes a token of the pod's service account, and how to use it.
func (p *pod) account(ctx context.Context, path string) error {
	account := p.spec.Spec.ServiceAccountName
	token, err := p.node.core.ServiceAccounts(p.spec.Namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: p.spec.Name, UID: p.spec.UID,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("asking for a token of %s: %w", account, err)
	}
	if err := os.WriteFile(path, []byte(token.Status.Token), 0o600); err != nil {
		return fmt.Errorf("writing a token: %w", err)
	}
	text := strings.NewReplacer("SERVER", p.node.server, "CA", p.node.opt.CA, "TOKEN", path, "NAMESPACE", p.spec.Namespace).Replace(`apiVersion: v1
kind: Config
current-context: pod
clusters: [{name: cluster, cluster: {server: "SERVER", certificate-authority: "CA"}}]
users: [{name: account, user: {tokenFile: "TOKEN"}}]
contexts: [{name: pod, context: {cluster: cluster, user: account, namespace: "NAMESPACE"}}]
`)
	if err := os.WriteFile(p.kubeconfig(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the pod's kubeconfig: %w", err)
	}
	return nil
}

func (p *pod) secretFiles(ctx context.Context, dir, name string, items []corev1.KeyToPath, may *bool) error {
	secret, err := p.node.core.Secrets(p.spec.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional(may) {
		return nil
	}
	if err != nil {
		return err
	}
	return write(dir, secret.Data, items)
}

func (p *pod) configFiles(ctx context.Context, dir, name string, items []corev1.KeyToPath, may *bool) error {
	config, err := p.node.core.ConfigMaps(p.spec.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional(may) {
		return nil
	}
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for name, text := range config.Data {
		files[name] = []byte(text)
	}
	return write(dir, files, items)
}

// write writes files, all of them or those of items under the names that they give.
func write(dir string, files map[string][]byte, items []corev1.KeyToPath) error {
	named := files
	if len(items) > 0 {
		named = map[string][]byte{}
		for _, item := range items {
			text, ok := files[item.Key]
			if !ok {
				return fmt.Errorf("there is no key %s", item.Key)
			}
			named[item.Path] = text
		}
	}
	for name, text := range named {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("filling a volume: %w", err)
		}
	}
	return nil
}
