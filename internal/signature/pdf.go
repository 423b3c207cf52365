package signature

import (
	"bytes"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
)

const (
	maxRanges     = 24       // signatures of one PDF: each hashes the whole file
	maxDictionary = 16 << 10 // of a signature, in bytes each side of its contents
	maxContents   = 2*maxTail + maxTail/2
)

// pdfSignature is a signature dictionary of a PDF (ISO 32000-1, 12.8).
type pdfSignature struct {
	before, from, to int64 // signed is [0, before) and [from, to)
	filter           string
	made             *time.Time // entry M
}

var (
	byteRange  = []byte("/ByteRange")
	rangeForm  = regexp.MustCompile(`^/ByteRange\s*\[\s*(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s+(\d{1,18})\s*\]`)
	filterForm = regexp.MustCompile(`/SubFilter\s*/([A-Za-z0-9.]+)`)
	madeForm   = regexp.MustCompile(`/M\s*\(D:(\d{14})(?:(Z)|([+-])(\d\d)'?(\d\d)?)?`)
)

// pdf reads all signatures of a PDF. Each must state exactly one hole in what it
// signs, and the hole must hold nothing but the signature: so nothing can be
// slipped in beside it.
func (x *examination) pdf(s *io.SectionReader) {
	var places []int64
	if err := find(s, byteRange, func(at int64) bool {
		places = append(places, at)
		return len(places) <= maxRanges
	}); err != nil || len(places) == 0 {
		return
	}
	x.report.Format = PAdES
	if len(places) > maxRanges {
		x.say(tooMuch)
		places = places[:maxRanges]
	}
	var all []pdfSignature
	for _, at := range places {
		p, err := readRange(s, at)
		if err != nil {
			x.say(badRange)
			continue
		}
		if !slices.ContainsFunc(all, func(q pdfSignature) bool { return q.from == p.from && q.to == p.to && q.before == p.before }) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b pdfSignature) int { return int(min(1, max(-1, a.to-b.to))) })
	x.revisions(s, all)
}

// revisions verifies the signatures from the last to the first, since a time
// stamp over the document proves the time of those before it.
func (x *examination) revisions(s *io.SectionReader, all []pdfSignature) {
	var proven *time.Time
	var signers []Signer // last first
	for i, p := range slices.Backward(all) {
		if i == len(all)-1 && !ends(s, p.to) {
			x.say(addedAfter)
		}
		found, at, err := x.revision(s, p, proven)
		if err != nil {
			x.say(damaged)
			continue
		}
		if at != nil {
			proven = at
		}
		for _, signer := range slices.Backward(found) {
			if i < len(all)-1 || !ends(s, p.to) {
				signer.Findings = withFinding(signer.Findings, earlierRevision)
			}
			signers = append(signers, signer)
		}
	}
	slices.Reverse(signers)
	x.report.Signers = append(x.report.Signers, signers...)
}

// ends tells whether nothing but white space follows.
func ends(s *io.SectionReader, at int64) bool {
	rest, err := take(s, at, min(s.Size()-at, 64))
	return err == nil && at+int64(len(rest)) == s.Size() && len(bytes.Trim(rest, "\r\n\t \x00")) == 0
}

// readRange reads the dictionary around a /ByteRange.
func readRange(s *io.SectionReader, at int64) (pdfSignature, error) {
	text, err := take(s, at, min(256, s.Size()-at))
	if err != nil {
		return pdfSignature{}, err
	}
	m := rangeForm.FindSubmatch(text)
	if m == nil {
		return pdfSignature{}, errShape
	}
	var n [4]int64
	for i := range n {
		if n[i], err = strconv.ParseInt(string(m[i+1]), 10, 64); err != nil {
			return pdfSignature{}, errShape
		}
	}
	p := pdfSignature{before: n[1], from: n[2]}
	if n[0] != 0 || n[1] <= 0 || n[2] < n[1]+2 || n[2] > s.Size() || n[3] > s.Size()-n[2] || n[3] == 0 || n[2]-n[1] > maxContents {
		return pdfSignature{}, errShape
	}
	p.to = n[2] + n[3]
	end := at + int64(len(m[0]))
	if signed := end <= p.before || at >= p.from && end <= p.to; !signed {
		return pdfSignature{}, errShape
	}
	left, err := take(s, max(0, p.before-maxDictionary), min(p.before, maxDictionary))
	if err != nil {
		return pdfSignature{}, err
	}
	right, err := take(s, p.from, min(n[3], maxDictionary))
	if err != nil {
		return pdfSignature{}, err
	}
	if i := bytes.LastIndex(left, []byte(" obj")); i >= 0 {
		left = left[i:]
	}
	if i := bytes.Index(right, []byte("endobj")); i >= 0 {
		right = right[:i]
	}
	if !bytes.HasSuffix(bytes.TrimRight(left, "\r\n\t \x00\x0C"), []byte("/Contents")) {
		return pdfSignature{}, errShape
	}
	// The /ByteRange must be of this very dictionary, not of some other object.
	if start := p.before - int64(len(left)); at < start || at >= p.from+int64(len(right)) {
		return pdfSignature{}, errShape
	}
	dictionary := slices.Concat(left, []byte(" "), right)
	if m := filterForm.FindSubmatch(dictionary); m != nil {
		p.filter = string(m[1])
	}
	p.made = readMade(madeForm.FindSubmatch(dictionary))
	return p, nil
}

// readMade reads a PDF date; without a zone it is taken as UTC.
func readMade(m [][]byte) *time.Time {
	if m == nil {
		return nil
	}
	t, err := time.Parse("20060102150405", string(m[1]))
	if err != nil {
		return nil
	}
	if len(m[3]) > 0 {
		hours, _ := strconv.Atoi(string(m[4]))
		minutes, _ := strconv.Atoi("0" + string(m[5]))
		offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if m[3][0] == '+' {
			offset = -offset
		}
		t = t.Add(offset)
	}
	return &t
}

// body is what the signature lies over.
func (p pdfSignature) body(s *io.SectionReader) *body {
	return bodyOf(func(w io.Writer) error {
		for _, part := range []*io.SectionReader{io.NewSectionReader(s, 0, p.before), io.NewSectionReader(s, p.from, p.to-p.from)} {
			if err := sectionBody(part).write(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// contents is the signature itself, which fills the hole.
func (p pdfSignature) contents(s *io.SectionReader) ([]byte, error) {
	hole, err := take(s, p.before, p.from-p.before)
	if err != nil {
		return nil, err
	}
	if hole[0] != '<' || hole[len(hole)-1] != '>' {
		return nil, errShape
	}
	digits := hole[1 : len(hole)-1]
	if bytes.ContainsAny(digits, "\r\n\t ") {
		digits = bytes.Join(bytes.Fields(digits), nil)
	}
	n, err := hex.Decode(hole, digits[:len(digits)&^1])
	return hole[:n], err
}

// revision verifies one signature of a PDF: who signed, or the time that a stamp
// over the document proves.
func (x *examination) revision(s *io.SectionReader, p pdfSignature, proven *time.Time) ([]Signer, *time.Time, error) {
	cms, err := p.contents(s)
	if err != nil {
		return nil, nil, err
	}
	over := p.body(s)
	strict := true
	switch p.filter {
	case "ETSI.RFC3161":
		token, _, err := definite(cms, 0)
		if err != nil {
			return nil, nil, err
		}
		at, why, err := x.stamp(token, over)
		if why != nil {
			x.say(*why)
		}
		return nil, at, err
	case "ETSI.CAdES.detached":
	case "adbe.pkcs7.detached":
		strict = false
	default:
		return []Signer{{ClaimedAt: p.made, Findings: []Finding{unsupportedFilter}}}, nil, nil
	}
	d, err := readSignedData(io.NewSectionReader(bytes.NewReader(cms), 0, int64(len(cms))))
	if err != nil {
		return nil, nil, err
	}
	if d.content != nil || len(bytes.Trim(cms[d.end:], "\x00")) > 0 || len(d.signers) == 0 {
		return nil, nil, errShape
	}
	var out []Signer
	for _, si := range d.signers {
		v, err := d.check(si, over, strict)
		if err != nil {
			return nil, nil, err
		}
		if v.claimed == nil {
			v.claimed = p.made
		}
		if err := x.stampsOf(&v, bytesBody(v.signature)); err != nil {
			return nil, nil, err
		}
		if v.stamped == nil && v.sound {
			v.stamped = proven
		}
		out = append(out, x.judge(v))
	}
	return out, nil, nil
}
