package timestamp

import (
	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// deepest bounds how far one element lies in another; tokens need some fifteen.
const deepest = 32

// isDER tells whether b is one element in DER as far as lengths, tags and
// strings in pieces go: what is stored and verified then has one reading.
func isDER(b []byte) bool {
	s := cryptobyte.String(b)
	var one cryptobyte.String
	return s.ReadAnyASN1Element(&one, nil) && s.Empty() && allDER(one, 0)
}

func allDER(s cryptobyte.String, depth int) bool {
	if depth > deepest {
		return false
	}
	for !s.Empty() {
		var contents cryptobyte.String
		var tag tags.Tag
		if !s.ReadAnyASN1(&contents, &tag) { // lengths: definite, in their shortest form
			return false
		}
		const constructed, number, private = 0x20, 0x1F, 0xC0
		isConstructed := tag&constructed != 0
		if tag&private == 0 { // universal: sequences and sets are made of parts, and nothing else is
			if tag == 0 || isConstructed != (tag&number == tags.SEQUENCE&number || tag&number == tags.SET&number) {
				return false
			}
		}
		if isConstructed && !allDER(contents, depth+1) {
			return false
		}
	}
	return true
}
