package audit

import (
	"encoding/json"
	"testing"
)

func TestCanonicalHasOneFormForOneMeaning(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{map[string]any{"b": 1, "a": "<é&>"}, `{"a":"<é&>","b":1}`},
		{json.RawMessage(` { "b" : -0 , "a" : [ ] , "c":"\u00e9\/" } `), `{"a":[],"b":0,"c":"é/"}`},
		{map[string]int{"😀": 1, "\ue000": 2}, "{\"😀\":1,\"\ue000\":2}"}, // UTF-16 order, which is not that of UTF-8
		{"\u2028\u007f\b\x01", "\"\u2028\u007f\\b\\u0001\""},
		{"\ufffd", "\"\ufffd\""},
		{`\ufffd \ud800 12.5`, `"\\ufffd \\ud800 12.5"`}, // looks like an escape, is none
		{[]any{maxWhole, -maxWhole, true, nil}, `[9007199254740991,-9007199254740991,true,null]`},
		{7, "7"}, {nil, "null"}, {struct{}{}, "{}"},
	} {
		if got, err := Canonical(c.value); err != nil || string(got) != c.want {
			t.Errorf("%v: %s, %v; want %s", c.value, got, err, c.want)
		}
	}
}

func TestCanonicalRefusesWhatOthersWouldReadDifferently(t *testing.T) {
	for what, v := range map[string]any{
		"fraction":             1.5,
		"huge":                 1e300,
		"beyond 2^53-1":        maxWhole + 1,
		"below -(2^53-1)":      -maxWhole - 1,
		"unsigned":             uint64(1) << 63,
		"nested":               map[string]any{"a": []any{map[string]any{"b": 2.5}}},
		"whole in float form":  json.RawMessage(`1.0`),
		"exponent":             json.RawMessage(`{"a":1e3}`),
		"key twice":            json.RawMessage(`{"a":1,"a":2}`),
		"key twice by escape":  json.RawMessage(`{"a":1,"\u0061":2}`),
		"not UTF-8":            "a\xffb",
		"key not UTF-8":        map[string]int{"\xff": 1},
		"raw not UTF-8":        json.RawMessage("\"\xff\""),
		"half a surrogate":     json.RawMessage(`"\ud800"`),
		"two first surrogates": json.RawMessage(`"\ud800\ud800"`),
		"not JSON":             make(chan int),
	} {
		if text, err := Canonical(v); err == nil {
			t.Errorf("%s became %s", what, text)
		}
		if _, err := Hash(v); err == nil {
			t.Errorf("%s has a hash", what)
		}
	}
}

func TestHashIsPlainSHA256OfTheBytes(t *testing.T) {
	// printf '{"a":1}' | sha256sum
	if got, err := Hash(map[string]int{"a": 1}); err != nil || got != "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862" {
		t.Fatal(got, err)
	}
}
