package node

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// environment gives the variables of a container, among them those by which one that has a
// service account's token finds its way to the API.
func (p *pod) environment(ctx context.Context, c *corev1.Container) ([]string, error) {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + p.dir, "HOSTNAME=" + p.spec.Name}
	switch _, err := os.Stat(p.kubeconfig()); {
	case err != nil: // it has no account
	case p.node.opt.Mounts:
		server, err := url.Parse(p.node.server)
		if err != nil {
			return nil, fmt.Errorf("the address of the API: %w", err)
		}
		env = append(env, "KUBERNETES_SERVICE_HOST="+server.Hostname(), "KUBERNETES_SERVICE_PORT="+server.Port())
	default:
		env = append(env, "KUBECONFIG="+p.kubeconfig())
	}
	values := map[string]string{}
	for i := range c.Env {
		e := &c.Env[i]
		value, ok, err := p.value(ctx, c, e, values)
		if err != nil {
			return nil, fmt.Errorf("variable %s of container %s: %w", e.Name, c.Name, err)
		}
		if ok {
			values[e.Name] = value
			env = append(env, e.Name+"="+p.translate(c, []string{value})[0])
		}
	}
	if len(c.EnvFrom) > 0 {
		return nil, fmt.Errorf("container %s has envFrom, which this node does not know", c.Name)
	}
	return env, nil
}

// value gives the value of a variable, and false if it is optional and has none.
func (p *pod) value(ctx context.Context, c *corev1.Container, e *corev1.EnvVar, earlier map[string]string) (string, bool, error) {
	from := e.ValueFrom
	switch {
	case from == nil:
		value := e.Value
		for name, v := range earlier {
			value = strings.ReplaceAll(value, "$("+name+")", v)
		}
		return value, true, nil
	case from.FieldRef != nil:
		value, err := p.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		secret, err := p.node.core.Secrets(p.spec.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil && !(apierrors.IsNotFound(err) && optional(ref.Optional)) {
			return "", false, err
		}
		value, ok := secret.Data[ref.Key]
		if !ok && !optional(ref.Optional) {
			return "", false, fmt.Errorf("secret %s has no key %s", ref.Name, ref.Key)
		}
		return string(value), ok, nil
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		config, err := p.node.core.ConfigMaps(p.spec.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil && !(apierrors.IsNotFound(err) && optional(ref.Optional)) {
			return "", false, err
		}
		value, ok := config.Data[ref.Key]
		if !ok && !optional(ref.Optional) {
			return "", false, fmt.Errorf("config map %s has no key %s", ref.Name, ref.Key)
		}
		return value, ok, nil
	case from.ResourceFieldRef != nil:
		return p.resource(c, from.ResourceFieldRef)
	}
	return "", false, fmt.Errorf("this node does not know where its value comes from")
}

func optional(b *bool) bool { return b != nil && *b }

// field gives a field of the pod's object as the downward API does.
func (p *pod) field(path string) (string, error) {
	switch path {
	case "metadata.name":
		return p.spec.Name, nil
	case "metadata.namespace":
		return p.spec.Namespace, nil
	case "metadata.uid":
		return string(p.spec.UID), nil
	case "spec.nodeName":
		return name, nil
	case "spec.serviceAccountName":
		return p.spec.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return p.ip, nil
	case "status.hostIP":
		return "127.0.0.1", nil
	}
	return "", fmt.Errorf("this node does not know the field %s", path)
}

// resource gives a limit or request of a container, in whole units.
func (p *pod) resource(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, bool, error) {
	list, name, _ := strings.Cut(ref.Resource, ".")
	of := map[string]corev1.ResourceList{"limits": c.Resources.Limits, "requests": c.Resources.Requests}[list]
	quantity, ok := of[corev1.ResourceName(name)]
	if !ok {
		return "", false, nil
	}
	unit := int64(1)
	if !ref.Divisor.IsZero() {
		unit = max(ref.Divisor.Value(), 1)
	}
	return fmt.Sprint((quantity.Value() + unit - 1) / unit), true, nil
}

// translate puts the directories of volumes in place of the paths that they are mounted at.
func (p *pod) translate(c *corev1.Container, words []string) []string {
	mounts := slices.Clone(c.VolumeMounts)
	slices.SortFunc(mounts, func(a, b corev1.VolumeMount) int { return cmp.Compare(len(b.MountPath), len(a.MountPath)) })
	out := make([]string, len(words))
	for i, word := range words {
		for _, m := range mounts {
			at := strings.Index(word, m.MountPath)
			if at == 0 || at > 0 && strings.ContainsRune("=:, ", rune(word[at-1])) {
				word = word[:at] + filepath.Join(p.volumes[m.Name], m.SubPath) + word[at+len(m.MountPath):]
				break
			}
		}
		out[i] = word
	}
	return out
}

// accountPath is where containers find the token of their service account.
const accountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// mountAccount is a shell script that runs its other arguments with the directory of the
// first at accountPath, which only they see.
const mountAccount = "mount -t tmpfs tmpfs /var/run && mkdir -p " + accountPath + ` && mount --bind "$1" ` + accountPath + ` && shift && exec "$@"`

// command gives the command that runs a program as a container.
func (p *pod) command(ctx context.Context, c *corev1.Container, path string, args []string) *exec.Cmd {
	if p.node.opt.Mounts {
		for _, m := range c.VolumeMounts {
			if m.MountPath == accountPath {
				return exec.CommandContext(ctx, "unshare", append([]string{"-m", "sh", "-c", mountAccount, "sh", p.volumes[m.Name], path}, args...)...)
			}
		}
	}
	return exec.CommandContext(ctx, path, args...)
}

func (p *pod) kubeconfig() string { return filepath.Join(p.dir, "kubeconfig") }
