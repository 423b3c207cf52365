package audit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Difference is one place where two snapshots differ. A side that has nothing
// there is empty.
type Difference struct {
	Pointer string          `json:"pointer"` // RFC 6901
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// Differences compares two snapshots, either of which may be missing, in the
// order of their pointers. Lists are compared place by place: what was added to
// the end of one shows as that and no more.
func Differences(before, after []byte) ([]Difference, error) {
	a, err := tree(before)
	if err != nil {
		return nil, err
	}
	b, err := tree(after)
	if err != nil {
		return nil, err
	}
	var all []Difference
	err = compare("", a, b, &all)
	return all, err
}

// nothing is what a side is that is not there, unlike null.
type nothing struct{}

func tree(text []byte) (any, error) {
	if len(text) == 0 {
		return nothing{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func compare(at string, a, b any, all *[]Difference) error {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			var keys []string
			for k := range x {
				keys = append(keys, k)
			}
			for k := range y {
				if _, both := x[k]; !both {
					keys = append(keys, k)
				}
			}
			slices.Sort(keys)
			for _, k := range keys {
				if err := compare(at+"/"+escape(k), side(x, k), side(y, k), all); err != nil {
					return err
				}
			}
			return nil
		}
	case []any:
		if y, ok := b.([]any); ok {
			for i := range max(len(x), len(y)) {
				if err := compare(at+"/"+strconv.Itoa(i), place(x, i), place(y, i), all); err != nil {
					return err
				}
			}
			return nil
		}
	default:
		if a == b {
			return nil
		}
	}
	d := Difference{Pointer: at}
	var err error
	if d.Before, err = written(a); err == nil {
		d.After, err = written(b)
	}
	*all = append(*all, d)
	return err
}

func side(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	return nothing{}
}

func place(l []any, i int) any {
	if i < len(l) {
		return l[i]
	}
	return nothing{}
}

func written(v any) (json.RawMessage, error) {
	if v == (nothing{}) {
		return nil, nil
	}
	return Canonical(v)
}

func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
