package docs

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// Media types that are dealt with by name.
const (
	mediaPDF   = "application/pdf"
	mediaCMS   = "application/pkcs7-mime"
	mediaZip   = "application/zip"
	mediaXML   = "application/xml"
	mediaText  = "text/plain"
	mediaHTML  = "text/html"
	mediaCSV   = "text/csv"
	mediaDocx  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	mediaXlsx  = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	mediaPptx  = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	mediaODF   = "application/vnd.oasis.opendocument." // what follows says of what
	mediaASiCS = "application/vnd.etsi.asic-s+zip"
	mediaASiCE = "application/vnd.etsi.asic-e+zip"
	mediaOLE   = "application/x-ole-storage"
)

// beginnings of formats that the standard library does not tell.
var beginnings = []struct{ magic, media string }{
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", mediaOLE},
	{"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{"Rar!\x1a\x07", "application/vnd.rar"},
	{`{\rtf`, "application/rtf"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"-----BEGIN PKCS7", mediaCMS},
	{"-----BEGIN CMS", mediaCMS},
}

// mediaType tells a file's type by its contents; its name decides only between
// kinds of text.
func mediaType(name string, head []byte, size int64, r io.ReaderAt) string {
	ext := strings.ToLower(path.Ext(name))
	for _, b := range beginnings {
		if bytes.HasPrefix(head, []byte(b.magic)) {
			return b.media
		}
	}
	switch {
	case bytes.Contains(head, []byte("%PDF-")) && (ext == ".pdf" || bytes.HasPrefix(head, []byte("%PDF-"))):
		return mediaPDF
	case head[0] == 0x30 && bytes.Contains(head[:min(len(head), 32)], signedData), ext == ".p7m" && bytes.HasPrefix(head, []byte("MI")):
		return mediaCMS
	case bytes.HasPrefix(head, []byte("PK")):
		return zipType(size, r)
	}
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(text, []byte("<?xml")) || ext == ".xml" {
		return mediaXML
	}
	guess, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if guess == mediaText && ext == ".csv" {
		return mediaCSV
	}
	return guess
}

// zipType tells documents that are archives from archives.
func zipType(size int64, r io.ReaderAt) string {
	z, err := zip.NewReader(&budget{r, maxDirectory}, size)
	if err != nil {
		return mediaZip
	}
	for _, f := range z.File {
		switch f.Name {
		case "word/document.xml":
			return mediaDocx
		case "xl/workbook.xml":
			return mediaXlsx
		case "ppt/presentation.xml":
			return mediaPptx
		case "mimetype":
			b := make([]byte, 100)
			m, err := f.Open()
			if err != nil {
				continue
			}
			n, _ := io.ReadFull(m, b)
			if said := strings.TrimSpace(string(b[:n])); said == mediaASiCS || said == mediaASiCE || strings.HasPrefix(said, mediaODF) && utf8.ValidString(said) {
				return said
			}
		}
	}
	return mediaZip
}
