// Package writing says what human text may hold wherever people type it.
//
// It promises to take the letters, emoji and marks of every script, and to
// refuse what makes text look like something else: control characters, line
// and paragraph separators, and overrides of the writing direction. It knows
// nothing of what a text is for, nor how long it may be.
package writing

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line tells whether s is sound text of one line.
func Line(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, disorders) }

// Passage tells whether s is sound text that may have lines and tabs.
func Passage(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\r' && r != '\t' && disorders(r) })
}

// FileName tells whether s is safe to show and to save as a file's name: one
// sound line of at most 255 bytes, no path, no blank ends, not dots alone.
func FileName(s string) bool {
	return s != "" && len(s) <= 255 && Line(s) && !strings.ContainsAny(s, `/\`) && strings.TrimSpace(s) == s && strings.Trim(s, ".") != ""
}

// Shows tells whether s has anything to see.
func Shows(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.S) })
}

// disorders: what breaks a line, or reorders the text around it. The three
// direction marks that right-to-left scripts need order nothing but themselves.
func disorders(r rune) bool {
	mark := r == 0x061C || r == 0x200E || r == 0x200F
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Bidi_Control, r) && !mark
}
