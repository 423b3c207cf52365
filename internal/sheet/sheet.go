// Package sheet prints statements that people keep: receipts and certificates,
// as PDF.
//
// It promises that the same statement gives the same bytes, that all its text
// can be searched and copied, and that no text, however hostile, stops the
// printing or leaves its place on the paper. It knows nothing of what it prints.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Sheet is one statement.
type Sheet struct {
	Language string    // "it", "en" or "de": the language of the text, and of the few words the sheet adds
	Title    string    // what it is: "RICEVUTA – OFFERTA INVIATA"
	Subtitle string    // what it is about; may be empty
	Issuer   string    // who states it, printed in the head of every page
	At       time.Time // when it is stated, shown in its own zone; also the date of the PDF
	Blocks   []Block
	Foot     string     // printed at the foot of every page, three lines at most
	Attached []Attached // files inside the PDF
}

// Attached is a file kept inside the PDF: the same statement for machines.
type Attached struct {
	Name        string // as a reader saves it: "ricevuta.json"
	Bytes       []byte
	Media       string // its media type: "application/json"
	Description string
}

// Write prints the statement on A4 paper. Equal statements give equal bytes.
//
// Any text can be printed: what the fonts cannot show, or what would disturb
// the text around it, is printed as "□". Only a statement that was put together
// wrongly is refused: an unknown language, no time, a table of too many
// columns or with rows that do not fit them, an empty QR text or one over [QRMost].
func Write(w io.Writer, s Sheet) error {
	if err := s.sound(); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	pages := compose(s)
	body, err := draw(pages)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	whole, err := finish(body, s)
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	_, err = w.Write(whole)
	return err
}

func (s Sheet) sound() error {
	if _, ok := tongues[s.Language]; !ok {
		return fmt.Errorf("no words in the language %q", s.Language)
	}
	// Without a time the PDF would take the clock's, and differ each time.
	if s.At.IsZero() {
		return errors.New("the statement has no time")
	}
	for i, b := range s.Blocks {
		if b == nil {
			return fmt.Errorf("block %d is nil", i)
		}
		if err := b.sound(); err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}
