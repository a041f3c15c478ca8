package sqlite

import (
	"cmp"
	"slices"

	"tollgate/internal/store"
)

// Labels goes through the index of labels, in which equal ones follow each other. Only the values that are
// told are kept on the way: nearly every key may have another.
func (s keys) Labels(names, values int) (labels []store.LabelCount, more bool, err error) {
	const query = "SELECT name, value, count(*) FROM key_labels GROUP BY name, value ORDER BY name, value"
	err = s.rows(query, nil, func(scan func(...any) error) error {
		var name string
		var v store.ValueCount
		if err := scan(&name, &v.Value, &v.Keys); err != nil {
			return err
		}
		if len(labels) == 0 || labels[len(labels)-1].Name != name {
			labels = append(labels, store.LabelCount{Name: name})
		}
		of := &labels[len(labels)-1]
		of.Keys += v.Keys
		of.Values = append(of.Values, v)
		if len(of.Values) > 2*values {
			cut(of, values)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(labels, func(a, b store.LabelCount) int { return cmp.Compare(b.Keys, a.Keys) })
	if len(labels) > names {
		labels, more = labels[:names], true
	}
	for i := range labels {
		cut(&labels[i], values)
	}
	return labels, more, nil
}

// cut leaves so many values, those that most keys have.
func cut(l *store.LabelCount, values int) {
	slices.SortStableFunc(l.Values, func(a, b store.ValueCount) int { return cmp.Compare(b.Keys, a.Keys) })
	if len(l.Values) > values {
		l.Values, l.More = l.Values[:values], true
	}
}
