package docs

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/signature"
)

// Place is where a file goes: what may be in it depends on the envelope.
type Place struct {
	Envelope string // "A", "B", "C"
	Signed   bool   // a signature is asked for
}

// Verdict is all that is known of one file.
type Verdict struct {
	MediaType  string
	Pages      int // of a PDF, also of one inside a signed container; 0 when not known
	Findings   []Finding
	Signatures signature.Report
}

// Blocking tells whether a finding is such that the file would better not be sent.
func (v Verdict) Blocking() bool {
	return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Severity == Blocking })
}

// Preflight checks a file as the officials will after the opening, so that its
// owner hears of it before the sealing: type by content; empty, truncated,
// encrypted or corrupt; bombs; signatures; the document inside a signed
// container; and, for envelopes A and B, what looks like a price. A nil trust
// list is told once. The verdict informs; the error is only that of r.
func Preflight(name string, size int64, r io.ReaderAt, p Place, trust *signature.Trust, now time.Time) (Verdict, error) {
	s := &source{r: r, size: size}
	c := check{place: p, examine: func(name string, size int64, r io.ReaderAt) (signature.Report, error) {
		return signature.Examine(name, size, r, trust, now)
	}, listed: trust != nil}
	v, err := c.all(name, size, s)
	if s.err != nil {
		return Verdict{}, s.err
	}
	if err != nil {
		return Verdict{}, err
	}
	return v, nil
}

// Limits on the contents of archives and containers.
const (
	maxLayers   = 4         // containers within containers
	maxMember   = 16 << 20  // bytes of a file in an archive that is read for its text
	maxUnzipped = 256 << 20 // bytes unpacked to see that they unpack
)

// check is one preflight under way.
type check struct {
	place   Place
	examine func(name string, size int64, r io.ReaderAt) (signature.Report, error)
	listed  bool // there is a trust list

	verdict Verdict
	signed  bool // a signer was found, at any layer
	prices  priceFinder
	read    int  // bytes of text
	unread  bool // some text was not read
}

// say adds what was not said yet. More than a hundred findings nobody reads: an
// archive may have ten thousand files.
func (c *check) say(fs ...Finding) {
	for _, f := range fs {
		if len(c.verdict.Findings) < 100 && !slices.Contains(c.verdict.Findings, f) {
			c.verdict.Findings = append(c.verdict.Findings, f)
		}
	}
}

// all checks the file and, layer by layer, what is wrapped in it.
func (c *check) all(name string, size int64, s *source) (Verdict, error) {
	c.prices.name(name)
	var r io.ReaderAt = s
	for layer := 0; ; layer++ {
		media := c.form(name, size, r, layer)
		if layer == 0 {
			c.verdict.MediaType = media
		}
		if size <= 0 || media == "" {
			break
		}
		report, err := c.examine(name, size, r)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) { // shorter than it was said to be
			c.say(finding("unreadable", Blocking, "Il file non si legge fino alla fine.", "The file cannot be read to its end."))
			break
		}
		if err != nil {
			return Verdict{}, err
		}
		if layer == 0 {
			c.verdict.Signatures = report
		}
		c.signed = c.signed || len(report.Signers) > 0
		inner := report.Inner
		if inner != nil && layer < maxLayers { // it is checked next
			c.verdict.Findings = slices.DeleteFunc(c.verdict.Findings, func(f Finding) bool { return f.Code == "signed-container" })
		}
		c.say(signers(report, c.listed)...)
		if inner == nil || layer == maxLayers {
			c.text(media, size, r, 0)
			break
		}
		name, size, r = innerName(name, inner.Name), inner.Size, inner.ReaderAt
		c.prices.name(name)
	}
	secret := c.place.Envelope == "A" || c.place.Envelope == "B"
	switch {
	case c.place.Signed && !c.signed && c.verdict.MediaType != "":
		c.say(finding("not-signed", Warning, "Il file non è firmato, e qui la firma è richiesta: lo firmi (PAdES, CAdES .p7m o ASiC) e lo carichi di nuovo.",
			"The file is not signed, and here a signature is asked for: sign it (PAdES, CAdES .p7m or ASiC) and load it again."))
	case c.signed && !c.listed:
		c.say(finding("signature-not-checked-against-list", Info, "Le firme non sono state confrontate con l'elenco dei certificatori: lo saranno all'apertura.",
			"The signatures were not checked against the trust list: they will be at the opening."))
	}
	if secret && c.prices.worst != "" {
		c.say(c.prices.finding())
	}
	if secret && (c.unread || c.prices.spent()) {
		c.say(finding("text-not-scanned", Info, "Non tutto il testo del file si è potuto leggere (scansione, allegati, formato o dimensione): controlli che non contenga prezzi.",
			"Not all the text of the file could be read (scan, attachments, format or size): check that it holds no prices."))
	}
	if s.short {
		c.say(unreadable())
	}
	return c.verdict, nil
}

// innerName is what the container says, or its own name without the ending.
func innerName(outer, said string) string {
	if said != "" {
		return said
	}
	if ext := path.Ext(outer); strings.EqualFold(ext, ".p7m") {
		return strings.TrimSuffix(outer, ext)
	}
	return outer
}

// form checks the format of one layer and returns its media type; "" when it
// cannot be read at all.
func (c *check) form(name string, size int64, r io.ReaderAt, layer int) string {
	head := make([]byte, max(0, min(size, 1024)))
	if n, err := r.ReadAt(head, 0); size > 0 && (err != nil && err != io.EOF || n < len(head)) {
		c.say(unreadable())
		return ""
	}
	if size <= 0 {
		c.say(Examine(name, size, r)...)
		return ""
	}
	media := mediaType(name, head, size, r)
	if layer > 0 && path.Ext(name) == "" && media == mediaPDF {
		name += ".pdf" // the container did not tell
	}
	found := Examine(name, size, r)
	if media == mediaOLE && bytes.Contains(sample(size, r), []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")) {
		found = []Finding{finding("encrypted-document", Blocking, "Il documento è protetto da password: tolga la protezione.",
			"The document is protected by a password: remove the protection.")}
	}
	c.say(found...)
	switch {
	case media == mediaPDF:
		c.verdict.Pages = c.pdf(size, r)
	case isZip(media) && !blocks(found):
		c.unzips(size, r)
	}
	return media
}

func blocks(fs []Finding) bool { return Verdict{Findings: fs}.Blocking() }

func isZip(media string) bool {
	switch media {
	case mediaZip, mediaDocx, mediaXlsx, mediaPptx, mediaASiCS, mediaASiCE:
		return true
	}
	return strings.HasPrefix(media, mediaODF)
}

// sample is the end of a file and its front, where an old Office document lists
// what it holds.
func sample(size int64, r io.ReaderAt) []byte {
	const n = 1 << 20
	b := make([]byte, min(size, 2*n))
	if size <= 2*n {
		got, _ := r.ReadAt(b, 0) // an error is kept by the source
		return b[:got]
	}
	front, _ := r.ReadAt(b[:n], 0)
	end, _ := r.ReadAt(b[n:], size-n)
	return append(b[:front:front], b[n:n+end]...)
}

// pdf reads a PDF whole: its objects, its pages, and what the pages say. It
// returns how many pages there are.
func (c *check) pdf(size int64, r io.ReaderAt) int {
	p := openPDF(r, size)
	if p.short {
		c.say(truncatedPDF())
	}
	if p.locked() {
		c.say(encryptedPDF())
		c.unread = true
		return 0
	}
	if s := priceInName(p.title()); s != "" {
		c.prices.found(Warning, 0, true) // the title of a file that was copied may be stale
	}
	pages := p.pages()
	t := newPDFReader(p)
	for i, ref := range pages {
		if i >= maxPages || c.read > maxAllText {
			p.partial = true
			break
		}
		t.painted = false
		text := t.page(ref)
		c.unread = c.unread || t.painted && strings.TrimSpace(text) == "" // a scan
		c.read += len(text)
		c.prices.text(i+1, text)
	}
	c.unread = c.unread || p.partial || p.damaged || len(pages) == 0 || p.hides()
	p.verify()
	if p.bomb {
		c.say(finding("pdf-bomb", Blocking, "Il PDF si espande oltre il limite: lo esporti di nuovo.", "The PDF unpacks beyond the limit: export it again."))
	}
	if p.damaged {
		c.say(finding("damaged-pdf", Warning, "Una parte del PDF è danneggiata: lo apra per controllarlo, o lo esporti di nuovo.",
			"A part of the PDF is damaged: open it to check it, or export it again."))
	}
	if len(pages) == 0 {
		c.say(finding("pdf-without-pages", Warning, "Nel PDF non si trova alcuna pagina: probabilmente è danneggiato. Lo apra per controllarlo, o lo esporti di nuovo.",
			"No page is found in the PDF: it is probably damaged. Open it to check it, or export it again."))
	}
	return len(pages)
}

// unzips checks that an archive's files come out, and are as long as they say.
func (c *check) unzips(size int64, r io.ReaderAt) {
	z, err := zip.NewReader(&budget{r, maxDirectory}, size)
	if err != nil {
		return // said already
	}
	z, err = zip.NewReader(r, size) // now that its directory is known to be short
	if err != nil {
		return
	}
	left := int64(maxUnzipped)
	for _, f := range z.File {
		n := int64(min(f.UncompressedSize64, maxUnpacked))
		if left -= n; left < 0 {
			return
		}
		m, err := f.Open()
		if errors.Is(err, zip.ErrAlgorithm) {
			continue // rare, and for others to open
		}
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(m, n+1)) // one more is read for the checksum
			m.Close()
		}
		if err != nil {
			c.say(finding("damaged-archive", Blocking, "L'archivio è danneggiato: un file al suo interno non si apre.", "The archive is damaged: a file in it does not open."))
			return
		}
	}
}

// text looks for a price in what is not a PDF, which was read already. A file
// in an archive is deeper than 0.
func (c *check) text(media string, size int64, r io.ReaderAt, depth int) {
	if blocks(c.verdict.Findings) && isZip(media) {
		c.unread = true
		return
	}
	var text string
	whole := true
	switch {
	case media == mediaPDF:
	case media == mediaText, media == mediaCSV:
		text, whole = plainText(io.NewSectionReader(r, 0, size))
	case media == mediaXML, media == mediaHTML:
		if text, whole = plainText(io.NewSectionReader(r, 0, size)); whole {
			text, whole = data(strings.NewReader(text))
		}
	case media == mediaZip, media == mediaASiCE, media == mediaASiCS:
		c.members(size, r, depth)
	case isZip(media):
		text, whole = office(media, size, r)
	default:
		whole = false
	}
	if c.read += len(text); c.read > 2*maxAllText {
		whole, text = false, ""
	}
	c.unread = c.unread || !whole
	c.prices.text(0, text)
}

// members looks into the files of an archive.
func (c *check) members(size int64, r io.ReaderAt, depth int) {
	z, err := zip.NewReader(&budget{r, maxDirectory}, size)
	if err == nil {
		z, err = zip.NewReader(r, size) // now that its directory is known to be short
	}
	if err != nil || depth > 1 {
		c.unread = true
		return
	}
	left := uint64(maxUnzipped)
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") || strings.HasPrefix(f.Name, "META-INF/") || f.Name == "mimetype" {
			continue
		}
		c.prices.name(f.Name)
		if f.UncompressedSize64 > maxMember || f.UncompressedSize64 > left {
			c.unread = true
			continue
		}
		left -= f.UncompressedSize64
		m, err := f.Open()
		if err != nil {
			c.unread = true
			continue
		}
		b, err := io.ReadAll(io.LimitReader(m, int64(f.UncompressedSize64)))
		m.Close()
		if err != nil || len(b) == 0 {
			continue
		}
		before := len(c.verdict.Findings)
		c.member(f.Name, int64(len(b)), bytes.NewReader(b), depth+1)
		for i, x := range c.verdict.Findings[before:] {
			x.Text = fault.T("Nell'archivio, «%[1]s»: %[2]s", "In the archive, “%[1]s”: %[3]s", shown(f.Name), x.Text.IT, x.Text.EN)
			c.verdict.Findings[before+i] = x
		}
	}
}

// member looks into one file of an archive, and into what is wrapped in it.
func (c *check) member(name string, size int64, r io.ReaderAt, depth int) {
	head := make([]byte, min(size, 1024))
	if n, _ := r.ReadAt(head, 0); n < len(head) || n == 0 {
		return
	}
	switch media := mediaType(name, head, size, r); media {
	case mediaPDF:
		c.pdf(size, r)
	case mediaCMS:
		report, err := c.examine(name, size, r)
		if err != nil || report.Inner == nil || depth > maxLayers {
			c.unread = true
			return
		}
		c.member(innerName(name, report.Inner.Name), report.Inner.Size, report.Inner.ReaderAt, depth+1)
	default:
		c.text(media, size, r, depth)
	}
}
