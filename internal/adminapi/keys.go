package adminapi

import (
	"context"
	"slices"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/control"
)

// named are the parameters of what is about one thing.
type named struct {
	ID string `path:"id" maxLength:"200" doc:"Its id"`
}

// namedKey are the parameters of what is about one key.
type namedKey struct {
	ID string `path:"id" maxLength:"200" doc:"Id or name of the key"`
}

// deletion are the parameters of a deletion.
type deletion struct {
	ID     string `path:"id" maxLength:"200" doc:"Its id, or the name of a key"`
	Reason string `query:"reason" maxLength:"500" doc:"For the audit trail"`
}

func (s *service) keys() {
	register(s, "createKey", about{
		tag: "Keys", summary: "Create a key", created: true, repeats: true,
		text: "The secret is in this answer and never shown again.",
	}, func(ctx context.Context, rq *asked, _ *none, in *admin.KeyInput) (*admin.KeyCreated, error) {
		return s.control.CreateKey(ctx, rq.Call, *in)
	})
	register(s, "listKeys", about{
		tag: "Keys", summary: "List keys", labels: true,
		text: "One page after the other: send next as cursor until there is none.",
	}, func(ctx context.Context, rq *asked, in *admin.KeyFilter, _ *none) (*admin.KeyList, error) {
		in.Labels = rq.labels
		list, err := s.control.Keys(ctx, rq.Call, *in)
		if err != nil {
			return nil, err
		}
		list.Keys = slices.Clone(list.Keys)
		for i := range list.Keys {
			veil(&list.Keys[i], rq.Call)
		}
		return list, nil
	})
	register(s, "getKey", about{
		tag: "Keys", summary: "Show a key",
		text: "With every limit as it stands now, its own and shared ones, what it used this month, and how many of its requests are under way.",
	}, func(ctx context.Context, rq *asked, in *namedKey, _ *none) (*admin.Key, error) {
		key, err := s.control.Key(ctx, rq.Call, in.ID)
		if err != nil {
			return nil, err
		}
		veil(key, rq.Call)
		return key, nil
	})
	register(s, "editKey", about{
		tag: "Keys", summary: "Edit a key", matches: true,
		text: "A limit that is sent with its id keeps what it has counted; limits that are not sent are taken off.",
	}, func(ctx context.Context, rq *asked, in *namedKey, patch *merge[admin.KeyInput]) (*admin.KeyChanged, error) {
		return s.control.EditKey(ctx, rq.Call, in.ID, patch.raw)
	})
	register(s, "deleteKey", about{
		tag: "Keys", summary: "Delete a key", matches: true,
		text: "For ever. What it spent stays in the history under its id.",
	}, func(ctx context.Context, rq *asked, in *deletion, _ *none) (*admin.Deleted, error) {
		return s.control.DeleteKey(ctx, rq.Call, in.ID, in.Reason)
	})
	register(s, "check", about{
		tag: "Keys", summary: "Ask whether a request would pass",
		text: "And which limit says no. Spends nothing.",
	}, func(ctx context.Context, rq *asked, _ *none, in *admin.Check) (*admin.Checked, error) {
		return s.control.Check(ctx, rq.Call, *in)
	})
	register(s, "listLabels", about{
		tag: "Keys", summary: "List the labels that keys have",
		text: "The 50 names that most keys have, each with the 100 values that most have. Where there are very many keys the counts may be some seconds old.",
	}, func(ctx context.Context, rq *asked, _, _ *none) (*admin.LabelList, error) {
		return s.control.Labels(ctx, rq.Call)
	})
	s.lifecycle()
	s.importing()
}

// veil takes out of a key what is known about its secrets, for whoever may not know it.
func veil(k *admin.Key, call control.Call) {
	if call.Actor.Role == actor.Viewer {
		k.Secrets = []admin.Secret{}
	}
}

func (s *service) lifecycle() {
	register(s, "disableKey", about{
		tag: "Keys", summary: "Disable a key", matches: true,
		text: "Until it is enabled. Requests under way finish.",
	}, func(ctx context.Context, rq *asked, in *namedKey, why *admin.Reason) (*admin.KeyChanged, error) {
		return s.control.DisableKey(ctx, rq.Call, in.ID, *why)
	})
	register(s, "enableKey", about{
		tag: "Keys", summary: "Enable a disabled key", matches: true,
	}, func(ctx context.Context, rq *asked, in *namedKey, why *admin.Reason) (*admin.KeyChanged, error) {
		return s.control.EnableKey(ctx, rq.Call, in.ID, *why)
	})
	register(s, "revokeKey", about{
		tag: "Keys", summary: "Revoke a key", matches: true,
		text: "For ever, and from its next request on.",
	}, func(ctx context.Context, rq *asked, in *namedKey, how *admin.Revocation) (*admin.KeyChanged, error) {
		return s.control.RevokeKey(ctx, rq.Call, in.ID, *how)
	})
	register(s, "rotateKey", about{
		tag: "Keys", summary: "Give a key a new secret", matches: true, repeats: true,
		text: "Same id, same limits, same counters. The old secret lives on for the grace. The new one is in this answer and never shown again. " +
			"While the one before the old secret is still in its grace, the rotation is refused (409, secret_in_grace) unless end_previous says that it may end at once: " +
			"a key has two live secrets at most.",
	}, func(ctx context.Context, rq *asked, in *namedKey, how *admin.Rotation) (*admin.KeyCreated, error) {
		return s.control.RotateKey(ctx, rq.Call, in.ID, *how)
	})
}

func (s *service) limits() {
	register(s, "createLimit", about{
		tag: "Limits", summary: "Create a shared limit", created: true, repeats: true,
		text: "per pool: all matching keys draw from it together; per each: every matching key gets its own.",
	}, func(ctx context.Context, rq *asked, _ *none, in *admin.Limit) (*admin.SharedLimitChanged, error) {
		return s.control.CreateLimit(ctx, rq.Call, *in)
	})
	register(s, "listLimits", about{tag: "Limits", summary: "List shared limits"},
		func(ctx context.Context, rq *asked, _, _ *none) (*admin.LimitList, error) {
			return s.control.Limits(ctx, rq.Call)
		})
	register(s, "getLimit", about{tag: "Limits", summary: "Show a shared limit"},
		func(ctx context.Context, rq *asked, in *named, _ *none) (*admin.SharedLimit, error) {
			return s.control.Limit(ctx, rq.Call, in.ID)
		})
	register(s, "editLimit", about{
		tag: "Limits", summary: "Edit a shared limit", matches: true,
		text: "Another amount keeps what is spent; another window counts it anew from the ledger.",
	}, func(ctx context.Context, rq *asked, in *named, patch *merge[admin.Limit]) (*admin.SharedLimitChanged, error) {
		return s.control.EditLimit(ctx, rq.Call, in.ID, patch.raw)
	})
	register(s, "deleteLimit", about{tag: "Limits", summary: "Delete a shared limit", matches: true},
		func(ctx context.Context, rq *asked, in *deletion, _ *none) (*admin.Deleted, error) {
			return s.control.DeleteLimit(ctx, rq.Call, in.ID, in.Reason)
		})
	register(s, "adjustLimit", about{
		tag: "Limits", summary: "Correct what a limit has spent",
		text: "In its current window, of a shared limit or of a key's own. It is a row of the ledger, with its reason.",
	}, func(ctx context.Context, rq *asked, in *named, by *admin.Adjustment) (*admin.Adjusted, error) {
		return s.control.Adjust(ctx, rq.Call, in.ID, *by)
	})
}
