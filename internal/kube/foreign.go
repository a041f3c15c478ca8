//go:build !nokube

package kube

// noteForeign notes, and says once, that the definition of Backend in the cluster is not
// the one that is served here. c.mu is held.
func (c *Cluster) noteForeign() {
	e := c.find(kindNamed(definitionKind), "", backendsDefinition)
	foreign := ""
	if d, ok := definitionOf(e); ok {
		switch theirs := d.Labels["app.kubernetes.io/name"] == "kgateway"; {
		case !d.ai:
			foreign = "the definition " + backendsDefinition + " has no spec.ai (kgateway has taken it out in 2.2), so the API server refuses Backends of AI providers: " +
				"use AgentgatewayBackend, or remove kgateway and its definition and install the one of tollgate (deploy/kubernetes)"
		case theirs:
			foreign = "the definition " + backendsDefinition + " belongs to kgateway: Backends work, until an upgrade of kgateway to 2.2 takes spec.ai out of it; " +
				"move to AgentgatewayBackend before"
		}
	}
	if foreign != "" && foreign != c.foreign {
		c.log.Warn(foreign)
	}
	c.foreign = foreign
}

func definitionOf(e *entry) (*definition, bool) {
	if e == nil {
		return nil, false
	}
	d, ok := e.Object.(*definition)
	return d, ok
}

// Foreign tells in plain words what of the definitions in the cluster is not as tollgate
// needs it, and what to do; it is empty if nothing is wrong.
func (c *Cluster) Foreign() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.foreign
}
