package docs

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"strings"

	"sigillo/internal/fault"
)

// Severity of a finding about a file.
type Severity string

// The severities. The verdict informs; it never excludes anybody by itself.
const (
	Blocking Severity = "blocking"
	Warning  Severity = "warning"
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
	".png": []byte("\x89PNG"), ".jpg": {0xFF, 0xD8}, ".jpeg": {0xFF, 0xD8}, ".p7m": {0x30},
}

// Examine checks a file by its name and bytes: empty, not what its name says,
// truncated or encrypted PDF, archives that unpack to far more than they are.
func Examine(name string, size int64, r io.ReaderAt) []Finding {
	if size <= 0 {
		return []Finding{finding("empty-file", Blocking, "Il file è vuoto.", "The file is empty.")}
	}
	ext := strings.ToLower(path.Ext(name))
	head := make([]byte, min(size, 1024))
	if n, err := r.ReadAt(head, 0); err != nil && err != io.EOF || n < len(head) {
		return []Finding{finding("unreadable", Blocking, "Il file non si legge.", "The file cannot be read.")}
	}
	if want, ok := magic[ext]; ok && !bytes.HasPrefix(head, want) {
		// A PDF may begin with a few stray bytes and still be one.
		if ext != ".pdf" || !bytes.Contains(head, want) {
			return []Finding{finding("not-what-it-says", Blocking, "Il contenuto non corrisponde all'estensione del file.",
				"The contents do not match the file's extension.")}
		}
	}
	switch {
	case ext == ".pdf":
		return examinePDF(size, r)
	case bytes.HasPrefix(head, []byte("PK")):
		return examineZip(size, r)
	}
	return nil
}

func examinePDF(size int64, r io.ReaderAt) []Finding {
	tail := make([]byte, min(size, 2048))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return []Finding{finding("unreadable", Blocking, "Il file non si legge.", "The file cannot be read.")}
	}
	var all []Finding
	if !bytes.Contains(tail, []byte("%%EOF")) || !bytes.Contains(tail, []byte("startxref")) {
		all = append(all, finding("truncated-pdf", Blocking, "Il PDF è tronco: lo esporti di nuovo.", "The PDF is cut off: export it again."))
	}
	if bytes.Contains(tail, []byte("/Encrypt")) {
		all = append(all, finding("encrypted-pdf", Blocking, "Il PDF è protetto da password: tolga la protezione.",
			"The PDF is protected by a password: remove the protection."))
	}
	return all
}

// Limits on an archive: how much it may unpack to, and into how many files.
const (
	maxUnpacked = 10 << 30
	maxRatio    = 200
	maxFiles    = 10_000
)

func examineZip(size int64, r io.ReaderAt) []Finding {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return []Finding{finding("damaged-archive", Blocking, "L'archivio è danneggiato.", "The archive is damaged.")}
	}
	var unpacked uint64
	for _, f := range z.File {
		unpacked += min(f.UncompressedSize64, maxUnpacked)
	}
	if len(z.File) > maxFiles || unpacked >= maxUnpacked || unpacked > maxRatio*uint64(size) {
		return []Finding{finding("archive-bomb", Blocking, "L'archivio si espande oltre il limite.", "The archive unpacks beyond the limit.")}
	}
	return nil
}
