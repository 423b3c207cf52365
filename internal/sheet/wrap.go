package sheet

import (
	"regexp"
	"strings"
)

// digest finds long hexadecimal numbers, which are shown in groups of eight.
var digest = regexp.MustCompile(`[0-9a-f]{16,}|[0-9A-F]{16,}`)

const group = 8

// wrap breaks cleaned text into lines no wider than width. It breaks at spaces;
// a word too long for a line breaks between the groups of a digest, after
// punctuation, or, when nothing else helps, anywhere. Only the spaces at a
// break are lost, so that a name with two spaces still shows both.
func (s style) wrap(text string, width length) []string {
	var lines []string
	for text := range strings.SplitSeq(text, "\n") {
		lines = append(lines, s.wrapLine(text, width)...)
	}
	return lines
}

func (s style) wrapLine(text string, width length) []string {
	var lines []string
	var line strings.Builder
	var used length
	feed := func() {
		lines = append(lines, line.String())
		line.Reset()
		used = 0
	}
	put := func(piece string, w length) {
		line.WriteString(piece)
		used += w
	}
	for text != "" {
		word := strings.TrimLeft(text, " ")
		if word == "" {
			break
		}
		gap := text[:len(text)-len(word)]
		text = ""
		if end := strings.IndexByte(word, ' '); end >= 0 {
			word, text = word[:end], word[end:]
		}
		space, w := s.measure(gap), s.measure(word)
		if used+space+w <= width {
			put(gap, space)
			put(word, w)
			continue
		}
		if used > 0 {
			feed()
		}
		if w <= width {
			put(word, w)
			continue
		}
		for _, piece := range pieces(word) {
			pw := s.measure(piece)
			if used > 0 && used+pw > width {
				feed()
			}
			if pw <= width {
				put(piece, pw)
				continue
			}
			for _, r := range piece {
				rw := s.width(r)
				if used > 0 && used+rw > width {
					feed()
				}
				put(string(r), rw)
			}
		}
	}
	return append(lines, line.String())
}

// pieces cuts a word where it breaks well.
func pieces(word string) []string {
	var all []string
	rest := 0
	for _, at := range digest.FindAllStringIndex(word, -1) {
		all = append(all, phrases(word[rest:at[0]])...)
		all = append(all, groups(word[at[0]:at[1]])...)
		rest = at[1]
	}
	return append(all, phrases(word[rest:])...)
}

// phrases cuts after each punctuation mark of paths and addresses.
func phrases(word string) []string {
	var all []string
	for word != "" {
		end := strings.IndexAny(word, "/-_.:?&=@,;") + 1
		if end == 0 {
			end = len(word)
		}
		all = append(all, word[:end])
		word = word[end:]
	}
	return all
}

func groups(digits string) []string {
	var all []string
	for len(digits) > group {
		all = append(all, digits[:group])
		digits = digits[group:]
	}
	return append(all, digits)
}

// chop breaks cleaned text anywhere, as a terminal does, and loses nothing.
func (s style) chop(text string, width length) []string {
	var lines []string
	for text := range strings.SplitSeq(text, "\n") {
		start, used := 0, length(0)
		for i, r := range text {
			w := s.width(r)
			if i > start && used+w > width {
				lines = append(lines, text[start:i])
				start, used = i, 0
			}
			used += w
		}
		lines = append(lines, text[start:])
	}
	return lines
}

// clip cuts cleaned text of one line if it does not fit.
func (s style) clip(text string, width length) string {
	if s.measure(text) <= width {
		return text
	}
	return s.cut(text, width)
}

// cut shows that text goes on, within width.
func (s style) cut(text string, width length) string {
	used := s.measure("…")
	for i, r := range text {
		if used += s.width(r); used > width {
			return text[:i] + "…"
		}
	}
	return text + "…"
}
