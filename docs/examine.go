package docs

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"sigillo/internal/fault"
)

// Severity of a finding about a file.
type Severity string

// The severities. The verdict informs; it never excludes anybody by itself.
const (
	Blocking Severity = "blocking"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Finding is one thing to know about a file.
type Finding struct {
	Code     string
	Severity Severity
	Text     fault.Text
}

func finding(code string, s Severity, it, en string) Finding {
	return Finding{code, s, fault.Text{IT: it, EN: en}}
}

// what a file of each extension must begin with.
var magic = map[string][]byte{
	".pdf": []byte("%PDF-"), ".zip": []byte("PK"), ".docx": []byte("PK"), ".xlsx": []byte("PK"), ".odt": []byte("PK"),
	".ods": []byte("PK"), ".pptx": []byte("PK"), ".asics": []byte("PK"), ".asice": []byte("PK"),
	".png": []byte("\x89PNG"), ".jpg": {0xFF, 0xD8}, ".jpeg": {0xFF, 0xD8},
}

func notWhatItSays() []Finding {
	return []Finding{finding("not-what-it-says", Blocking, "Il contenuto non corrisponde all'estensione del file.",
		"The contents do not match the file's extension.")}
}

func unreadable() Finding {
	return finding("unreadable", Blocking, "Il file non si legge fino in fondo: lo copi o lo esporti di nuovo.",
		"The file cannot be read to its end: copy or export it again.")
}

// Examine checks a file by its name and bytes: empty, not what its name says,
// truncated or encrypted PDF, archives that are locked or unpack to far more
// than they are, XML that does not begin well, signed containers.
func Examine(name string, size int64, r io.ReaderAt) []Finding {
	if size <= 0 {
		return []Finding{finding("empty-file", Blocking, "Il file è vuoto.", "The file is empty.")}
	}
	ext := strings.ToLower(path.Ext(name))
	head := make([]byte, min(size, 1024))
	if n, err := r.ReadAt(head, 0); err != nil && err != io.EOF || n < len(head) {
		return []Finding{unreadable()}
	}
	if want, ok := magic[ext]; ok && !bytes.HasPrefix(head, want) {
		// A PDF may begin with a few stray bytes and still be one.
		if ext != ".pdf" || !bytes.Contains(head, want) {
			return notWhatItSays()
		}
	}
	switch {
	case ext == ".pdf":
		return examinePDF(size, r)
	case ext == ".p7m":
		return examineSigned(head)
	case ext == ".xml" && !bytes.HasPrefix(head, []byte{0xFE, 0xFF}) && !bytes.HasPrefix(head, []byte{0xFF, 0xFE}): // UTF-16 is left alone
		return examineXML(io.NewSectionReader(r, 0, size))
	case bytes.HasPrefix(head, []byte("PK")):
		return examineZip(size, r)
	}
	return nil
}

func truncatedPDF() Finding {
	return finding("truncated-pdf", Blocking, "Il PDF è tronco: lo esporti di nuovo.", "The PDF is cut off: export it again.")
}

func encryptedPDF() Finding {
	return finding("encrypted-pdf", Blocking, "Il PDF è protetto da password: tolga la protezione.",
		"The PDF is protected by a password: remove the protection.")
}

func examinePDF(size int64, r io.ReaderAt) []Finding {
	tail := make([]byte, min(size, 2048))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return []Finding{unreadable()}
	}
	var all []Finding
	// A file that was signed or changed has an end for each version: what
	// follows the last one was to become another.
	end := bytes.LastIndex(tail, []byte("%%EOF"))
	if end < 0 || !bytes.Contains(tail, []byte("startxref")) || bytes.Contains(tail[end:], []byte(" obj")) {
		all = append(all, truncatedPDF())
	}
	if bytes.Contains(tail, []byte("/Encrypt")) || bytes.Contains(trailer(tail, size, r), []byte("/Encrypt")) {
		all = append(all, encryptedPDF())
	}
	return all
}

// trailer returns the dictionary that the last startxref points to. It is not
// at the end of the file when that has a cross-reference stream or was made for
// the web. Nil when there is none: readers mend wrong pointers, so it is no fault.
func trailer(tail []byte, size int64, r io.ReaderAt) []byte {
	mark := []byte("startxref")
	i := bytes.LastIndex(tail, mark)
	if i < 0 {
		return nil
	}
	words := bytes.Fields(tail[i+len(mark):])
	if len(words) == 0 {
		return nil
	}
	at, err := strconv.ParseInt(string(words[0]), 10, 64)
	if err != nil || at < 0 || at >= size {
		return nil
	}
	section := make([]byte, min(size-at, 64<<10))
	if n, err := r.ReadAt(section, at); err != nil && err != io.EOF || n < len(section) {
		return nil
	}
	if bytes.HasPrefix(section, []byte("xref")) {
		section, _, _ = bytes.Cut(section, mark)
		_, section, _ = bytes.Cut(section, []byte("trailer"))
		return section
	}
	section, _, _ = bytes.Cut(section, []byte("stream"))
	return section
}

// signedData is the object identifier that a CAdES container begins with.
var signedData = []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02}

// examineSigned recognises a signed container; who signed is not for here. Its
// text form is unusual but readable: it is not for us to refuse (INC-10).
func examineSigned(head []byte) []Finding {
	start := head[:min(len(head), 32)]
	switch {
	case head[0] == 0x30 && bytes.Contains(start, signedData):
		return []Finding{finding("signed-container", Info, "File firmato (CAdES): il documento al suo interno non è stato controllato.",
			"Signed file (CAdES): the document inside was not checked.")}
	case bytes.HasPrefix(head, []byte("-----BEGIN ")), bytes.HasPrefix(head, []byte("MI")):
		return []Finding{finding("signed-as-text", Warning, "Il file firmato è codificato in testo (Base64): non tutti i programmi lo aprono.",
			"The signed file is encoded as text (Base64): not every program opens it.")}
	}
	return notWhatItSays()
}

// examineXML reads up to the root element. What follows is for the schema.
func examineXML(r io.Reader) []Finding {
	d := xml.NewDecoder(io.LimitReader(r, 64<<10))
	// Names and marks are ASCII in every encoding that gets here.
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.RawToken()
		if err != nil {
			return []Finding{finding("damaged-xml", Blocking, "Il file XML non comincia correttamente: lo esporti di nuovo.",
				"The XML file does not begin properly: export it again.")}
		}
		if _, root := token.(xml.StartElement); root {
			return nil
		}
	}
}

// Limits on an archive: how much it may unpack to, and into how many files.
const (
	maxUnpacked = 10 << 30
	maxRatio    = 200
	maxFiles    = 10_000
	// maxDirectory bounds what is read, and kept in memory, to find out: the
	// number of files an archive states need not be true. In bytes.
	maxDirectory = 4 << 20
)

var errBudget = errors.New("the archive's directory is too long")

// budget reads no more than so many bytes in all.
type budget struct {
	r    io.ReaderAt
	left int
}

func (b *budget) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBudget
	}
	return b.r.ReadAt(p, at)
}

func examineZip(size int64, r io.ReaderAt) []Finding {
	bomb := []Finding{finding("archive-bomb", Blocking, "L'archivio si espande oltre il limite.", "The archive unpacks beyond the limit.")}
	z, err := zip.NewReader(&budget{r, maxDirectory}, size)
	if errors.Is(err, errBudget) {
		return bomb
	}
	if err != nil {
		return []Finding{finding("damaged-archive", Blocking, "L'archivio è danneggiato.", "The archive is damaged.")}
	}
	var unpacked uint64
	var locked, astray bool
	for _, f := range z.File {
		unpacked += min(f.UncompressedSize64, maxUnpacked)
		locked = locked || f.Flags&1 != 0
		// Some programs write folders with a backslash; what matters is where it leads.
		astray = astray || !fs.ValidPath(strings.TrimSuffix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
	}
	if len(z.File) > maxFiles || unpacked >= maxUnpacked || unpacked > maxRatio*uint64(size) {
		return bomb
	}
	var all []Finding
	if locked {
		all = append(all, finding("encrypted-archive", Blocking, "L'archivio è protetto da password: tolga la protezione.",
			"The archive is protected by a password: remove the protection."))
	}
	if astray {
		all = append(all, finding("archive-leads-astray", Warning, "L'archivio contiene nomi di file che escono dalla sua cartella.",
			"The archive holds file names that lead out of its folder."))
	}
	return all
}
