// Package caller says who is on the data plane: the holder of a virtual key, or
// nobody in particular. It owns what a request may know about its sender; how a
// sender is recognised is the business of vkey, and what the patterns of models
// mean that of access.
package caller

// Caller is whoever made a request, with their entitlements already flat, so
// that no later step looks anything up. A Caller is built when the
// configuration is compiled and never changes; requests share it.
type Caller struct {
	// KeyID is the public id of the virtual key, "" for an anonymous caller.
	KeyID string
	// Name is the key's name, "" if it has none.
	Name string
	// Metadata are the free attributes of the key; expressions see them as apiKey.<name>.
	Metadata map[string]any
	// Labels are those of the key; shared limits and reports go by them.
	Labels map[string]string
	// Models are the patterns of models that the key may use; ModelsSet tells
	// an empty list (nothing) from none (everything).
	Models    Models
	ModelsSet bool
}

// Models decides which models a caller may use.
type Models interface {
	// Allow tells whether the model of this name may be used.
	Allow(model string) bool
	// Deny tells whether the model of this name must not be used, whatever name the
	// gateway has for it. What is merely not allowed is not denied.
	Deny(model string) bool
	// List appends to dst what a configured model name or pattern comes down to
	// for the caller: names and patterns that both cover, without repetition.
	List(dst []string, configured string) []string
}

// Anonymous is the caller without a key.
var Anonymous = &Caller{}

// MayUse tells whether the caller's key allows a model of this name.
func (c *Caller) MayUse(model string) bool {
	return !c.ModelsSet || c.Models != nil && c.Models.Allow(model)
}

// MayReach tells whether a provider may be asked for the model of this name, after it was
// allowed by the name that the gateway has for it.
func (c *Caller) MayReach(model string) bool {
	return !c.ModelsSet || c.Models == nil || !c.Models.Deny(model)
}

// ListModels appends to dst what a configured model name or pattern comes down
// to for this caller.
func (c *Caller) ListModels(dst []string, configured string) []string {
	switch {
	case !c.ModelsSet:
		return append(dst, configured)
	case c.Models == nil:
		return dst
	default:
		return c.Models.List(dst, configured)
	}
}
