package signature

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	mimeSimple   = "application/vnd.etsi.asic-s+zip"
	mimeExtended = "application/vnd.etsi.asic-e+zip"
)

// Limits on a container.
const (
	maxDirectory  = 1 << 20 // bytes read to find out what is inside
	maxEntries    = 2000
	maxUnpacked   = 10 << 30 // bytes unpacked in all
	maxRatio      = 200      // of what is unpacked to the file's size
	maxManifest   = 1 << 20
	maxContainers = 32 // signature files
)

// budget reads no more than so many bytes in all: the number of files that an
// archive states need not be true.
type budget struct {
	r    io.ReaderAt
	left int
	off  bool
}

func (b *budget) ReadAt(p []byte, at int64) (int, error) {
	if !b.off {
		if b.left -= len(p); b.left < 0 {
			return 0, errTooMuch
		}
	}
	return b.r.ReadAt(p, at)
}

// zip reads an ASiC container (EN 319 162-1). A zip that is none is no business
// of this package.
func (x *examination) zip(s *io.SectionReader) {
	first, err := head(s, 128)
	if err != nil {
		return
	}
	// The type comes first and unpacked where it is stated; ASiC-S may do without.
	stated := bytes.Contains(first, []byte("mimetype"+"application/vnd.etsi.asic-"))
	refuse := func(f Finding) {
		if stated {
			x.report.Format = ASiCE
			x.say(f)
		}
	}
	if !modest(s) {
		refuse(zipBomb)
		return
	}
	limited := &budget{r: s, left: maxDirectory}
	z, err := zip.NewReader(limited, s.Size())
	switch {
	case errors.Is(err, errTooMuch):
		refuse(zipBomb)
		return
	case err != nil:
		refuse(zipDamaged)
		return
	case !stated && !slices.ContainsFunc(z.File, func(f *zip.File) bool { return signatureFile.MatchString(f.Name) }):
		return
	}
	limited.off = true
	a := &archive{x: x, s: s, files: map[string]*zip.File{}}
	if !a.open(z) {
		return
	}
	if err := a.signatures(); err != nil {
		x.say(zipDamaged)
	}
	if len(x.report.Signers) == 0 && len(x.report.Findings) == 0 {
		x.say(noSigners)
	}
}

// signatureFile matches the names that a zip without type is known by.
var signatureFile = regexp.MustCompile(`^META-INF/(signature[^/]*\.p7s|signatures[^/]*\.xml)$`)

// modest tells that a zip does not claim so many entries that archive/zip would
// set aside memory for them before it reads any. Zip64 alone can, and no signed
// container needs it.
func modest(s *io.SectionReader) bool {
	const most, record = 66 << 10, 22
	b, err := take(s, max(0, s.Size()-most), min(s.Size(), most))
	if err != nil {
		return false
	}
	for {
		i := bytes.LastIndex(b, []byte("PK\x05\x06"))
		if i < 0 {
			return true
		}
		if end := b[i:]; len(end) >= record {
			entries, size, offset := binary.LittleEndian.Uint16(end[10:]), binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
			if entries == 0xFFFF || size == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF {
				return false
			}
		}
		b = b[:i]
	}
}

// archive is an ASiC container.
type archive struct {
	x         *examination
	s         *io.SectionReader
	files     map[string]*zip.File
	documents []string // what there is to sign, in order
	left      int64    // bytes that may still be unpacked
}

// open takes stock. It says no, and the report why, when there is no going on.
func (a *archive) open(z *zip.Reader) bool {
	a.x.report.Format = ASiCE
	if len(z.File) > maxEntries {
		a.x.say(zipBomb)
		return false
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if _, twice := a.files[f.Name]; twice || f.Flags&1 != 0 { // a reader may take the one, a verifier the other
			a.x.say(zipDamaged)
			return false
		}
		a.files[f.Name] = f
		if f.Name != "mimetype" && !inMeta(f.Name) {
			a.documents = append(a.documents, f.Name)
		}
	}
	a.left = min(maxUnpacked, maxRatio*max(a.s.Size(), 64<<10))
	if a.files["mimetype"] == nil {
		if len(a.documents) == 1 {
			a.x.report.Format = ASiCS
		}
		return true
	}
	kind, err := a.small("mimetype", 128)
	if err != nil {
		a.x.say(zipDamaged)
		return false
	}
	switch strings.TrimSpace(string(kind)) {
	case mimeSimple:
		a.x.report.Format = ASiCS
	case mimeExtended:
	default: // some other format that has signatures of its own
		a.x.report.Format = None
		return false
	}
	return true
}

func inMeta(name string) bool {
	return len(name) > len("META-INF/") && strings.EqualFold(name[:len("META-INF/")], "META-INF/")
}

// small reads a file of the container into memory.
func (a *archive) small(name string, most int64) ([]byte, error) {
	f := a.files[name]
	if f == nil {
		return nil, errNoReference
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // read only
	b, err := io.ReadAll(io.LimitReader(r, min(most, a.left)+1))
	if err == nil && int64(len(b)) > most {
		err = errTooMuch
	}
	a.left -= int64(len(b))
	return b, err
}

// body is what a signature over a file of the container lies over; nil when
// there is no such file.
func (a *archive) body(uri string) *body {
	name, err := url.PathUnescape(uri)
	if err != nil {
		return nil
	}
	f := a.files[strings.TrimPrefix(name, "./")]
	if f == nil {
		return nil
	}
	return bodyOf(func(w io.Writer) error {
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }() // read only
		n, err := io.CopyBuffer(w, io.LimitReader(r, a.left), make([]byte, 2*window))
		if a.left -= n; err == nil && a.left <= 0 {
			err = errTooMuch
		}
		return err
	})
}

// signatures verifies all signature files of the container.
func (a *archive) signatures() error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(a.files)), func(name string) bool { return !inMeta(name) })
	if len(names) > maxContainers {
		a.x.say(tooMuch)
		names = names[:maxContainers]
	}
	if a.x.report.Format == ASiCS {
		a.inner()
	}
	for _, name := range names {
		var err error
		base := strings.ToLower(path.Base(name))
		switch {
		case strings.HasSuffix(base, ".p7s") && strings.Contains(base, "signature"):
			err = a.binary(name)
		case strings.HasSuffix(base, ".xml") && strings.Contains(base, "signatures"):
			err = a.xml(name)
		}
		switch {
		case errors.Is(err, errTooMuch):
			a.x.say(zipBomb)
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// inner offers the one document of ASiC-S.
func (a *archive) inner() {
	if len(a.documents) != 1 {
		a.x.say(zipDamaged)
		return
	}
	f := a.files[a.documents[0]]
	inner := &Inner{Size: int64(min(f.UncompressedSize64, maxUnpacked)), Name: path.Base(f.Name)}
	if at, err := f.DataOffset(); err == nil && f.Method == zip.Store {
		inner.ReaderAt = io.NewSectionReader(a.s, at, inner.Size)
	} else {
		inner.ReaderAt = &unpacked{f: f, size: inner.Size}
	}
	a.x.report.Inner = inner
}

// binary verifies a CAdES signature: over the document of ASiC-S, or over the
// manifest of ASiC-E that names it.
func (a *archive) binary(name string) error {
	b, err := a.small(name, maxTail)
	if err != nil {
		return err
	}
	d, err := readSignedData(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))))
	if err != nil {
		a.x.say(containerFault(err))
		return nil
	}
	var over *body
	var doubts []Finding
	var covered []string
	if a.x.report.Format == ASiCS {
		if len(a.documents) == 1 {
			over = a.body(url.PathEscape(a.documents[0]))
		}
		covered = a.documents
	} else {
		var manifest string
		if manifest, covered, doubts, err = a.manifest(name); err != nil {
			return err
		}
		if manifest != "" {
			over = a.body(url.PathEscape(manifest))
		}
	}
	if d.content != nil { // it ought to be detached: what it encloses need not be what is beside it
		over = nil
	}
	before := len(a.x.report.Signers)
	if err := a.x.signers(d, over, true); err != nil {
		return err
	}
	for i := range a.x.report.Signers[before:] {
		s := &a.x.report.Signers[before+i]
		if len(doubts) > 0 {
			s.Sound = false
			s.Findings = append(s.Findings, doubts...)
		}
	}
	a.coverage(covered)
	return nil
}

// coverage tells when a signature leaves a document out.
func (a *archive) coverage(covered []string) {
	for _, name := range a.documents {
		if !slices.ContainsFunc(covered, func(uri string) bool {
			plain, err := url.PathUnescape(uri)
			return err == nil && strings.TrimPrefix(plain, "./") == name || uri == name
		}) {
			a.x.say(uncovered)
		}
	}
}

// manifestForm is an ASiCManifest (EN 319 162-1, A.4).
type manifestForm struct {
	XMLName   xml.Name `xml:"ASiCManifest"`
	Signature struct {
		URI string `xml:"URI,attr"`
	} `xml:"SigReference"`
	Documents []struct {
		URI    string `xml:"URI,attr"`
		Method struct {
			Algorithm string `xml:"Algorithm,attr"`
		} `xml:"DigestMethod"`
		Digest string `xml:"DigestValue"`
	} `xml:"DataObjectReference"`
}

// manifest finds the manifest that names a signature file, and compares the
// digests it states. The findings say why its signature is not sound.
func (a *archive) manifest(signature string) (name string, covered []string, doubts []Finding, err error) {
	for _, candidate := range slices.Sorted(maps.Keys(a.files)) {
		base := strings.ToLower(path.Base(candidate))
		if !inMeta(candidate) || !strings.HasPrefix(base, "asicmanifest") || !strings.HasSuffix(base, ".xml") {
			continue
		}
		b, err := a.small(candidate, maxManifest)
		if err != nil {
			return "", nil, nil, err
		}
		var m manifestForm
		if xml.Unmarshal(b, &m) != nil || strings.TrimPrefix(m.Signature.URI, "/") != signature {
			continue
		}
		for _, d := range m.Documents {
			over := a.body(d.URI)
			h := xmlDigests[strings.TrimSpace(d.Method.Algorithm)]
			if over == nil || h == 0 {
				doubts = append(doubts, noReference)
				continue
			}
			if h.Size() < 32 {
				doubts = append(doubts, weakAlgorithm)
				continue
			}
			sum, err := over.sum(h)
			if err != nil {
				return "", nil, nil, err
			}
			if base64.StdEncoding.EncodeToString(sum) != strings.TrimSpace(d.Digest) {
				doubts = append(doubts, tampered)
			}
			covered = append(covered, d.URI)
		}
		if len(m.Documents) == 0 {
			doubts = append(doubts, noReference)
		}
		return candidate, covered, doubts, nil
	}
	return "", nil, []Finding{noReference}, nil
}

// xml verifies XAdES signatures over files of the container.
func (a *archive) xml(name string) error {
	b, err := a.small(name, maxXML)
	if err != nil {
		return err
	}
	work := int64(maxWork)
	d, err := readDocument(b, &work)
	if err != nil {
		a.x.say(documentFault(err))
		return nil
	}
	known := map[string]*body{} // so that several signatures hash a document once
	for _, covered := range a.x.xmlSignatures(d, func(uri string) *body {
		if known[uri] == nil {
			known[uri] = a.body(uri)
		}
		return known[uri]
	}, false) {
		a.coverage(covered)
	}
	return nil
}

// unpacked reads a compressed document. Reading on is cheap, going back begins
// anew.
type unpacked struct {
	f    *zip.File
	size int64
	mu   sync.Mutex
	r    io.ReadCloser
	at   int64
}

// ReadAt implements io.ReaderAt.
func (u *unpacked) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at >= u.size {
		return 0, io.EOF
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.r == nil || at < u.at {
		if u.r != nil {
			_ = u.r.Close() // read only
		}
		var err error
		if u.r, err = u.f.Open(); err != nil {
			return 0, err
		}
		u.at = 0
	}
	skipped, err := io.CopyN(io.Discard, u.r, at-u.at)
	if u.at += skipped; err != nil {
		return 0, err
	}
	n, err := io.ReadFull(u.r, p[:min(int64(len(p)), u.size-at)])
	u.at += int64(n)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}
