package audit

import (
	"encoding/json"
	"reflect"
	"testing"
)

// slowly is Open without the scanner: the reader it must agree with.
func slowly(body []byte) (Entry, error) {
	var w wire
	if err := strict(body, &w); err != nil {
		return Entry{}, err
	}
	e, err := w.entry()
	if err != nil {
		return e, err
	}
	again, err := e.body()
	if err == nil && string(again) != string(body) {
		err = ErrNotCanonical
	}
	return e, err
}

func agree(t *testing.T, body []byte) {
	t.Helper()
	fast, ok := scanEntry(body)
	if !ok {
		return
	}
	slow, err := slowly(body)
	if err != nil || !reflect.DeepEqual(fast, slow) {
		t.Fatalf("%s\n%+v\n%+v %v", body, fast, slow, err)
	}
}

// TestTheScannerReadsWhatIsWritten: every plain entry is taken, and whatever is
// taken after one byte was changed, dropped or doubled is what the slow reader
// makes of it.
func TestTheScannerReadsWhatIsWritten(t *testing.T) {
	for i := range 3 {
		e := sample(i)
		e.Lot, e.Actor.Powers = "l", []string{"rup", "à"}[:i%3]
		e.Also = []Change{{Object: Object{Type: "lot", ID: "l", Version: 0}}, {Object: Object{Type: "bid", ID: "b", Version: 2}, Before: state("x"), After: state("y")}}[:i]
		if i == 1 {
			e.Effective, e.Data = &e.At, map[string]string{"a": "<&>", "b": "è \u2028 𝄞", "c": ""}
		}
		r := sealed(t, e)
		if _, ok := scanEntry(r.Body); !ok {
			t.Fatalf("not taken: %s", r.Body)
		}
		agree(t, r.Body)
		for at := range r.Body {
			for _, c := range []byte("0\"\\{}[],:n\x00\x7f\x80z9-") {
				bent := append([]byte{}, r.Body...)
				bent[at] = c
				agree(t, bent)
			}
			agree(t, append(append([]byte{}, r.Body[:at]...), r.Body[at+1:]...))
			agree(t, append(append([]byte{}, r.Body[:at+1]...), r.Body[at:]...))
		}
	}
}

// FuzzScanEntry looks for bytes that the two readers understand differently.
func FuzzScanEntry(f *testing.F) {
	for i := range 3 {
		e := sample(i)
		e.Also = []Change{{Object: Object{Type: "bid", ID: "b", Version: 2}, Before: state("x"), After: state("y")}}
		text, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(agree)
}
