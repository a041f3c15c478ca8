package control

import (
	"errors"
	"strings"

	"tollgate/internal/audit"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// judge compares a candidate with what is stored.
func (m *importer) judge(tx store.Tx, k *candidate) (judgement, error) {
	if len(k.problems) > 0 {
		return judgement{outcome: outcomeRefused, why: summary(k.problems), fields: k.problems}, nil
	}
	digests := []vkey.Digest{k.key.Secrets[0].Digest}
	if k.digest == nil {
		digests = append(digests, vkey.Hash(k.value.Reveal()))
	}
	for _, d := range digests {
		held, err := tx.Keys().Holding(d)
		if err == nil {
			return unchanged(held, k), nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return judgement{}, err
		}
	}
	if p, err := ended(tx, k); err != nil || len(p) > 0 {
		return judgement{outcome: outcomeRefused, why: summary(p), fields: p}, err
	}
	err := nameFree(tx, k.key.Name, k.key.ID)
	var taken *Error
	if errors.As(err, &taken) {
		return judgement{outcome: outcomeRefused, why: taken.Detail + ", which has another secret", fields: taken.Fields}, nil
	}
	return judgement{outcome: outcomeCreated, id: k.key.ID}, err
}

// unchanged is the judgement of a key that is here already.
func unchanged(held *vkey.Key, k *candidate) judgement {
	v := judgement{outcome: outcomeUnchanged, id: held.ID}
	if held.Name != k.key.Name {
		v.why = "is here as " + shown(held.Name)
	}
	if held.Status == vkey.StatusRevoked {
		v.why = strings.TrimPrefix(v.why+"; it is revoked, and stays so", "; ")
	}
	return v
}

// ended refuses a secret that this server minted and no key has any more: it was
// rotated away, or its key was deleted, and what has ended does not come back.
func ended(tx store.Tx, k *candidate) (problems, error) {
	bare, minted := vkey.Parse(k.value.Reveal())
	if !minted {
		return nil, nil
	}
	var p problems
	id := "key_" + bare
	switch _, err := tx.Keys().Get(id); {
	case err == nil:
		p.add("key", "is a secret of %s that has ended by rotation and stays so: leave the line out, or rotate that key for a new one", id)
		return p, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	events, _, err := tx.Events().List(audit.Query{TargetKind: "key", TargetID: id, Max: 1})
	if err == nil && len(events) > 0 {
		p.add("key", "is a secret of %s, which was deleted here: leave the line out, or give the key without a value a new secret (tollgate keys create)", id)
	}
	return p, err
}
