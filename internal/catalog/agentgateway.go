package catalog

// ParseAgentgateway reads a model catalog of agentgateway: rates for a million
// tokens as decimal text, and context tiers. One bad entry refuses the list.
func ParseAgentgateway(source string, data []byte) (*Layer, error) {
	r, layer := newReader(source, data), newLayer(source, data)
	err := r.object(func(name string) error {
		if name != "providers" {
			return r.unknown(name, []string{"providers"})
		}
		return r.object(func(provider string) error {
			return r.object(func(name string) error {
				if name != "models" {
					return r.unknown(name, []string{"models"})
				}
				return r.object(func(id string) error { return r.foreignModel(layer, Provider(provider), id) })
			})
		})
	})
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return nil, err
	}
	return layer, nil
}

func (r *reader) foreignModel(layer *Layer, provider, id string) error {
	e := &entry{id: id}
	err := r.object(func(name string) (err error) {
		switch name {
		case "rates":
			err = r.prices(&e.rates, foreignKinds)
		case "tiers":
			e.tiers, err = r.tiers(foreignKinds)
		case "tags": // words for people
			_, err = r.texts()
		default:
			err = r.unknown(name, []string{"rates", "tiers", "tags"})
		}
		return err
	})
	if err == nil && !layer.add(provider, e) {
		err = r.fail("the model stands here twice, in another spelling or under another name of its provider")
	}
	return err
}
