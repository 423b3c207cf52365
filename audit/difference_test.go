package audit

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestDifferences(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{`{"a":1}`, `{"a":1}`, `[]`},
		{`{"a":1}`, `{"a":2}`, `[{"pointer":"/a","before":1,"after":2}]`},
		{`{"a":1}`, `{"a":null}`, `[{"pointer":"/a","before":1,"after":null}]`},
		{`{}`, `{"a":null}`, `[{"pointer":"/a","after":null}]`},
		{`{"a":{"b":[1,2]}}`, `{"a":{"b":[1,2,3]}}`, `[{"pointer":"/a/b/2","after":3}]`},
		{`{"a":[1]}`, `{"a":{"0":1}}`, `[{"pointer":"/a","before":[1],"after":{"0":1}}]`},
		{`{"a/b":1,"c~":2}`, `{"c~":3}`, `[{"pointer":"/a~1b","before":1},{"pointer":"/c~0","before":2,"after":3}]`},
		{``, `{"a":1}`, `[{"pointer":"","after":{"a":1}}]`},
		{`{"n":"1.10"}`, `{"n":"1.1"}`, `[{"pointer":"/n","before":"1.10","after":"1.1"}]`},
	} {
		got, err := Differences([]byte(c.before), []byte(c.after))
		if err != nil {
			t.Fatal(err)
		}
		if got == nil {
			got = []Difference{}
		}
		text, err := json.Marshal(got)
		if err != nil || string(text) != c.want {
			t.Errorf("%s to %s: %s, %v", c.before, c.after, text, err)
		}
	}
}

// TestDifferencesAreAllThereIs: a value differs from itself nowhere, and from
// one with a single place changed in that place alone.
func TestDifferencesAreAllThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOfN(rapid.StringMatching(`[a-z/~]{1,3}`), rapid.IntRange(0, 99), 1, 8).Draw(t, "object")
		text, _ := json.Marshal(m)
		if same, err := Differences(text, text); len(same) != 0 || err != nil {
			t.Fatal(same, err)
		}
		for k := range m {
			m[k] += 100
			other, _ := json.Marshal(m)
			d, err := Differences(text, other)
			if err != nil || len(d) != 1 || d[0].Pointer != "/"+escape(k) || string(d[0].After) != fmt.Sprint(m[k]) {
				t.Fatal(k, d, err)
			}
			break
		}
	})
}
