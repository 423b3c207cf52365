package docs

import (
	"bytes"
	"io"
	"sort"
	"strconv"
)

// Limits on the reading of one PDF.
const (
	maxPages    = 200       // pages whose text is read
	maxObjects  = 300_000   // objects that are indexed
	maxScanned  = 1 << 30   // bytes looked through for objects; streams of known length are leapt over
	maxParsed   = 128 << 20 // bytes parsed, all readings together
	maxDrawn    = 128 << 20 // bytes read of streams, all together
	maxInflated = 64 << 20  // bytes inflated of them
	maxVerified = 128 << 20 // bytes inflated only to see that they are sound
	maxStream   = 16 << 20  // bytes inflated of one stream
	maxPacked   = 16 << 20  // bytes of object streams, which are kept in memory
)

// pdfFile is a PDF being read. Its cross-references are not believed: objects
// are found by looking for them, as programs do that mend files, so that a
// verdict does not hang on a pointer.
type pdfFile struct {
	r        io.ReaderAt
	size     int64
	objects  map[pdfRef]pdfPlace
	starts   []int64 // of objects, ascending
	packed   []int64 // starts of object streams
	trailers []pdfDict

	parsed, drawn, inflated, kept int // bytes spent

	partial bool // something was beyond the limits, or in a form we do not read
	damaged bool // something does not unpack
	bomb    bool // something unpacks to far more than it is
	short   bool // the file is shorter than it says of itself
}

// pdfPlace is where an object is: at an offset, or in an object stream that was.
type pdfPlace struct {
	at  int64
	raw []byte
}

// pdfObject is an object and, of a stream, where its bytes are.
type pdfObject struct {
	value      any
	data, past int64
}

func openPDF(r io.ReaderAt, size int64) *pdfFile {
	p := &pdfFile{r: r, size: size, objects: map[pdfRef]pdfPlace{}}
	p.index()
	sort.Slice(p.starts, func(i, j int) bool { return p.starts[i] < p.starts[j] })
	for _, at := range p.packed {
		p.unpack(at)
	}
	return p
}

// read returns up to n bytes at an offset; fewer at the end of the file.
func (p *pdfFile) read(at, n int64) []byte {
	b := make([]byte, max(0, min(n, p.size-at)))
	got, _ := p.r.ReadAt(b, at) // an error is kept by the source
	return b[:got]
}

// value reads one, and counts its bytes as parsed.
func (p *pdfFile) value(l *pdfLexer) (any, bool) {
	from := l.at
	v, ok := l.value()
	if p.parsed += l.at - from; p.parsed > maxParsed {
		p.partial = true
		return nil, false
	}
	return v, ok
}

// index finds the objects and the trailers.
func (p *pdfFile) index() {
	const window, overlap = 64 << 10, 32
	scanned := 0
	for at := int64(0); at < p.size; {
		b := p.read(at, window)
		if scanned += len(b); scanned > maxScanned || len(p.objects) >= maxObjects || len(p.starts) >= 2*maxObjects || p.parsed > maxParsed {
			p.partial = true
			return
		}
		if len(b) == 0 {
			return
		}
		next := at + int64(len(b))
		if next < p.size {
			next = max(at+1, next-overlap) // a mark may lie across the border
		}
		trailer := bytes.Index(b, []byte("trailer"))
		for i := 0; i < len(b); {
			obj := bytes.Index(b[i:], []byte("obj"))
			if trailer >= 0 && trailer < i {
				if trailer = bytes.Index(b[i:], []byte("trailer")); trailer >= 0 {
					trailer += i
				}
			}
			if trailer >= 0 && (obj < 0 || trailer < i+obj) {
				p.trailer(at + int64(trailer) + int64(len("trailer")))
				i = trailer + len("trailer")
				continue
			}
			if obj < 0 {
				break
			}
			i += obj + len("obj")
			number, ok := objectNumber(b[:i-len("obj")])
			if !ok {
				continue
			}
			if past := p.object(number, b[i:], at+int64(i)); past > at+int64(i) {
				if past >= at+int64(len(b)) {
					next = past
					break
				}
				i = int(past - at)
			}
		}
		at = next
	}
}

// objectNumber reads "12 0 " backwards from the word obj.
func objectNumber(before []byte) (pdfRef, bool) {
	before = before[max(0, len(before)-32):]
	if len(before) == 0 || !blank(before[len(before)-1]) {
		return 0, false
	}
	words := bytes.Fields(before)
	if len(words) < 2 {
		return 0, false
	}
	if _, err := strconv.Atoi(string(words[len(words)-1])); err != nil {
		return 0, false
	}
	number := words[len(words)-2]
	for i := len(number) - 1; i >= 0; i-- {
		if !digit(number[i]) {
			number = number[i+1:] // "endobj12 0 obj" is met
			break
		}
	}
	n, err := strconv.Atoi(string(number))
	return pdfRef(n), err == nil && n >= 0 && n < 1<<31
}

func (p *pdfFile) trailer(at int64) {
	if v, ok := p.value(&pdfLexer{b: p.read(at, 4<<10)}); ok && len(p.trailers) < 1000 {
		if d, ok := v.(pdfDict); ok {
			p.trailers = append(p.trailers, d)
		}
	}
}

// object notes one that starts at an offset, with what is at hand of it, and
// returns the end of its stream when the stream's length is told and true; 0
// otherwise.
func (p *pdfFile) object(number pdfRef, b []byte, at int64) int64 {
	p.objects[number] = pdfPlace{at: at}
	if n := len(p.starts); n == 0 || p.starts[n-1] != at {
		p.starts = append(p.starts, at)
	}
	const enough = 4 << 10 // for the dictionary of a stream
	if len(b) < enough {
		b = p.read(at, enough)
	}
	l := &pdfLexer{b: b[:min(len(b), enough)]}
	v, _ := p.value(l)
	d, ok := v.(pdfDict)
	if !ok {
		return 0
	}
	if integer(d["Linearized"]) > 0 && integer(d["L"]) > p.size {
		p.short = true
	}
	data := streamStart(l)
	if data == 0 {
		return 0
	}
	switch d["Type"] {
	case pdfName("XRef"):
		if len(p.trailers) < 1000 {
			p.trailers = append(p.trailers, d)
		}
	case pdfName("ObjStm"):
		p.packed = append(p.packed, at)
	}
	past := at + data + integer(d["Length"])
	if integer(d["Length"]) > 0 && past < p.size && bytes.Contains(p.read(past, 16), []byte("endstream")) {
		return past
	}
	return 0
}

// streamStart passes over the word stream and the end of its line, and returns
// where the bytes begin; 0 when there is no stream.
func streamStart(l *pdfLexer) int64 {
	l.skip()
	if !bytes.HasPrefix(l.b[l.at:], []byte("stream")) {
		return 0
	}
	at := l.at + len("stream")
	if at < len(l.b) && l.b[at] == '\r' {
		at++
	}
	if at < len(l.b) && l.b[at] == '\n' {
		at++
	}
	return int64(at)
}

// load reads the object at an offset.
func (p *pdfFile) load(at int64) (o pdfObject, ok bool) {
	p.parsed += 256 // what is short costs a reading too
	past := p.size
	if i := sort.Search(len(p.starts), func(i int) bool { return p.starts[i] > at }); i < len(p.starts) {
		past = p.starts[i]
	}
	// Most objects are short; the list of a thousand pages is not.
	for _, n := range []int64{4 << 10, 1 << 20} {
		l := &pdfLexer{b: p.read(at, min(past-at, n))}
		if o.value, ok = p.value(l); !ok {
			continue
		}
		if data := streamStart(l); data > 0 {
			o.data, o.past = at+data, past
		}
		return o, true
	}
	return pdfObject{}, false
}

func (p *pdfFile) get(r pdfRef) pdfObject {
	place, ok := p.objects[r]
	if !ok {
		return pdfObject{}
	}
	if place.raw != nil {
		v, _ := p.value(&pdfLexer{b: place.raw})
		return pdfObject{value: v}
	}
	o, _ := p.load(place.at)
	return o
}

// follow returns what a value is or refers to.
func (p *pdfFile) follow(v any) pdfObject {
	o := pdfObject{value: v}
	for range 8 {
		r, ok := o.value.(pdfRef)
		if !ok {
			return o
		}
		o = p.get(r)
	}
	return pdfObject{}
}

func (p *pdfFile) dict(v any) pdfDict {
	d, _ := p.follow(v).value.(pdfDict)
	return d
}

// list returns an array; of one thing where a thing stands for it.
func (p *pdfFile) list(v any) pdfArray {
	switch v := p.follow(v).value.(type) {
	case pdfArray:
		return v
	case nil:
		return nil
	default:
		return pdfArray{v}
	}
}

// unpack notes the objects of an object stream (7.5.7). Those that come later
// in the file have replaced those before.
func (p *pdfFile) unpack(at int64) {
	o, ok := p.load(at)
	d, isDict := o.value.(pdfDict)
	if !ok || !isDict {
		return
	}
	b := p.stream(o)
	if p.kept += len(b); p.kept > maxPacked {
		p.partial = true
		return
	}
	l := &pdfLexer{b: b}
	first := integer(p.follow(d["First"]).value)
	for range min(integer(p.follow(d["N"]).value), maxObjects) {
		number, ok := p.value(l)
		offset, ok2 := p.value(l)
		if !ok || !ok2 {
			return
		}
		n, from := pdfRef(integer(number)), first+integer(offset)
		if from < 0 || from >= int64(len(b)) || n <= 0 || len(p.objects) >= maxObjects {
			continue
		}
		if known, ok := p.objects[n]; !ok || known.at < at {
			p.objects[n] = pdfPlace{at: at, raw: b[from:]}
		}
	}
}

// locked tells whether the file is encrypted.
func (p *pdfFile) locked() bool {
	for _, t := range p.trailers {
		if _, ok := t["Encrypt"]; ok {
			return true
		}
	}
	return false
}

// title is what the file says it is.
func (p *pdfFile) title() string {
	for i := len(p.trailers) - 1; i >= 0; i-- {
		if s, ok := p.follow(p.dict(p.trailers[i]["Info"])["Title"]).value.(pdfString); ok {
			return s.text()
		}
	}
	return ""
}

// hides tells whether the file has more to say than its pages: files attached
// to it, or a form that only one vendor's program lays out (XFA).
func (p *pdfFile) hides() bool {
	for _, t := range p.trailers {
		root := p.dict(t["Root"])
		files := p.dict(p.dict(root["Names"])["EmbeddedFiles"]) // often there, and empty
		if len(p.list(files["Kids"]))+len(p.list(files["Names"])) > 0 || p.dict(root["AcroForm"])["XFA"] != nil {
			return true
		}
	}
	return false
}

// pages lists the pages in their order.
func (p *pdfFile) pages() []pdfRef {
	for i := len(p.trailers) - 1; i >= 0; i-- {
		root := p.dict(p.trailers[i]["Root"])
		top, ok := root["Pages"].(pdfRef)
		if !ok {
			continue
		}
		var all []pdfRef
		p.walk(top, map[pdfRef]bool{}, 0, &all)
		if len(all) > 0 {
			p.damaged = p.damaged || integer(p.dict(top)["Count"]) > int64(len(all))
			return all
		}
	}
	return nil
}

func (p *pdfFile) walk(node pdfRef, seen map[pdfRef]bool, depth int, all *[]pdfRef) {
	if seen[node] || depth > maxDepth {
		return
	}
	seen[node] = true
	d := p.dict(node)
	kids := p.list(d["Kids"])
	if len(kids) == 0 && d["Type"] == pdfName("Page") {
		*all = append(*all, node)
	}
	for _, kid := range kids {
		if r, ok := kid.(pdfRef); ok {
			p.walk(r, seen, depth+1, all)
		}
	}
}
