package writing

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for s, want := range map[string]struct{ line, passage, file bool }{
		"offerta tecnica.pdf": {true, true, true}, "Ponte 🌉 של רומא": {true, true, true}, "عرض\u200f.pdf": {true, true, true},
		"two\nlines": {false, true, false}, "a\ttab": {false, true, false}, "bell\a": {false, false, false}, "a\x00b": {false, false, false},
		"exe\u202Efdp.scr": {false, false, false}, "iso\u2067late": {false, false, false}, "sep\u2028arator": {false, false, false}, "\xff": {false, false, false},
		"": {true, true, false}, "..": {true, true, false}, "a/b": {true, true, false}, `a\b`: {true, true, false}, " a": {true, true, false},
		strings.Repeat("a", 256): {true, true, false},
	} {
		if got := (struct{ line, passage, file bool }{Line(s), Passage(s), FileName(s)}); got != want {
			t.Errorf("%.20q: got %+v, want %+v", s, got, want)
		}
	}
}

func TestShows(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "三": true, "👍": true, "7": true, "": false, " ": false, "\u200f": false, "\u200b": false, "--": false} {
		if Shows(s) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}
