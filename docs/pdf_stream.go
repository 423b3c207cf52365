package docs

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"io"
)

var errSpent = errors.New("the file unpacks beyond the limit")

// stream returns the bytes of a stream, unpacked; what is beyond the limits, or
// cannot be unpacked, is left out and noted.
func (p *pdfFile) stream(o pdfObject) []byte {
	d, ok := o.value.(pdfDict)
	if !ok || o.data == 0 {
		return nil
	}
	drawn, inflated := p.drawn, p.inflated
	r := io.Reader(&meter{io.NewSectionReader(p.r, o.data, o.past-o.data), &p.drawn, maxDrawn})
	filters := p.list(d["Filter"])
	if len(filters) > 4 {
		p.partial = true
		return nil
	}
	for _, f := range filters {
		if r = p.filter(r, p.follow(f).value); r == nil {
			return nil
		}
	}
	if p.predicted(d) {
		p.partial = true
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, maxStream+1))
	switch {
	case len(b) > maxStream || errors.Is(err, errSpent):
		p.partial = true
		p.bomb = p.bomb || p.inflated > maxRatio*p.drawn || p.inflated-inflated > max(maxStream, maxRatio*(p.drawn-drawn))
		b = b[:min(len(b), maxStream)]
	case corrupt(err):
		p.damaged = true
	}
	if len(filters) == 0 {
		b, _, _ = bytes.Cut(b, []byte("endstream"))
		p.damaged = p.damaged || bytes.Contains(b, make([]byte, 64)) // a hole, as broken copies leave
	}
	return b
}

// corrupt tells bytes that are spoilt from those that are only too many.
func corrupt(err error) bool { return err != nil && !errors.Is(err, errSpent) }

// verify inflates what no text is in, fonts and images, to see that it is
// sound; as far as the limits go.
func (p *pdfFile) verify() {
	spent := 0
	for _, at := range p.starts {
		o, _ := p.load(at)
		d, _ := o.value.(pdfDict)
		filters := p.list(d["Filter"])
		if p.damaged || spent > maxVerified || p.parsed > maxParsed {
			return
		}
		if o.data == 0 || len(filters) == 0 || filters[0] != pdfName("FlateDecode") || integer(p.follow(d["Length"]).value) == 0 {
			continue
		}
		z, err := zlib.NewReader(io.NewSectionReader(p.r, o.data, o.past-o.data))
		if err == nil {
			_, err = io.Copy(io.Discard, &meter{z, &spent, maxVerified})
		}
		p.damaged = corrupt(err)
	}
}

// filter unpacks one layer; nil when it is of a kind we do not read.
func (p *pdfFile) filter(r io.Reader, name any) io.Reader {
	switch name {
	case pdfName("FlateDecode"), pdfName("Fl"):
		z, err := zlib.NewReader(r)
		if err != nil {
			p.damaged = true
			return nil
		}
		return &meter{z, &p.inflated, maxInflated}
	case pdfName("ASCII85Decode"), pdfName("A85"):
		return ascii85.NewDecoder(&until{r: r, stop: '~'})
	case pdfName("ASCIIHexDecode"), pdfName("AHx"):
		return hex.NewDecoder(&until{r: r, stop: '>'})
	}
	p.partial = true
	return nil
}

// predicted tells whether bytes are written as differences (7.4.4.4): a thing
// of images and of cross-references, which nobody needs here.
func (p *pdfFile) predicted(d pdfDict) bool {
	for _, v := range p.list(d["DecodeParms"]) {
		if integer(p.dict(v)["Predictor"]) > 1 {
			return true
		}
	}
	return false
}

// meter counts what passes against a limit of the whole file: every layer
// that is unpacked, and every reading of a stream that many pages share.
type meter struct {
	r     io.Reader
	spent *int
	limit int
}

func (m *meter) Read(b []byte) (int, error) {
	if *m.spent > m.limit {
		return 0, errSpent
	}
	n, err := m.r.Read(b)
	*m.spent += n
	return n, err
}

// until reads up to a mark, without blanks.
type until struct {
	r    io.Reader
	stop byte
	over bool
}

func (u *until) Read(b []byte) (int, error) {
	if u.over {
		return 0, io.EOF
	}
	n, err := u.r.Read(b)
	kept := 0
	for _, c := range b[:n] {
		if c == u.stop {
			u.over = true
			return kept, nil
		}
		if !blank(c) {
			b[kept] = c
			kept++
		}
	}
	return kept, err
}
