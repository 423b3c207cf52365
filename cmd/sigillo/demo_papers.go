package main

import (
	"bytes"

	"codeberg.org/go-pdf/fpdf"
)

// pdf makes a real, small PDF: a title and paragraphs.
func pdf(title string, paragraphs ...string) ([]byte, error) {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetTitle(title, true)
	doc.SetCreator("Sigillo", true)
	doc.SetMargins(25, 25, 25)
	latin := doc.UnicodeTranslatorFromDescriptor("")
	doc.AddPage()
	doc.SetFont("Helvetica", "B", 16)
	doc.MultiCell(0, 8, latin(title), "", "L", false)
	doc.SetFont("Helvetica", "", 11)
	for _, p := range paragraphs {
		doc.Ln(4)
		doc.MultiCell(0, 6, latin(p), "", "L", false)
	}
	var b bytes.Buffer
	err := doc.Output(&b)
	return b.Bytes(), err
}
