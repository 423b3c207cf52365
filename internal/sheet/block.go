package sheet

import (
	"fmt"

	"github.com/boombuler/barcode/qr"
)

// Block is one part of a statement, printed beneath the one before: a
// [Heading], [Paragraph], [Facts], [Table], [Code] or [QR].
type Block interface {
	sound() error
	least() length // the height of what must stay on one page, to begin with
	lay(*composer)
}

// Heading opens a part. It is never left alone at the end of a page.
type Heading string

// Paragraph is running text; "\n" begins a new line.
type Paragraph string

// Facts are labels with their values, one beneath the other.
type Facts []Fact

// Fact is one label and its value. A Mono value is set in monospaced type, with
// long hexadecimal numbers tinted in groups of eight: they can be compared by
// eye and still be copied as one.
type Fact struct {
	Label, Value string
	Mono         bool
}

// Table has a head, which is repeated on each page, and rows. Each row has one
// cell for each column. A table without rows shows a dash in their place.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Column is one column of a [Table]. Columns share the width of the page in
// proportion to Share, and none is narrower than a few letters.
type Column struct {
	Title string
	Share int
	Mono  bool // monospaced, as in [Fact]
	Right bool // aligned to the right, for numbers
}

// Code is text for machines, in monospaced type: every space counts, and long
// lines continue on the next.
type Code string

// QR is text as QR code, with the text beneath. Not every reader guesses the
// encoding of letters beyond ASCII: an address or a key should have none.
type QR string

// QRMost is how many bytes a QR text may have. Beyond, its modules would be too
// small for a telephone to read from paper.
const QRMost = 600

// most columns that can be read on upright A4.
const mostColumns = 10

func (Heading) sound() error   { return nil }
func (Paragraph) sound() error { return nil }
func (Facts) sound() error     { return nil }
func (Code) sound() error      { return nil }

func (t Table) sound() error {
	if len(t.Columns) > mostColumns {
		return fmt.Errorf("a table of %d columns, where %d fit", len(t.Columns), mostColumns)
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d has %d cells for %d columns", i, len(row), len(t.Columns))
		}
	}
	return nil
}

func (q QR) sound() error {
	if q == "" || len(q) > QRMost {
		return fmt.Errorf("a QR text of %d bytes, where 1 to %d fit", len(q), QRMost)
	}
	return nil
}

// modules draws the text as a grid.
func (q QR) modules() [][]bool {
	code, err := qr.Encode(string(q), qr.M, qr.Unicode)
	if err != nil {
		panic(fmt.Sprintf("sheet: a sound text cannot be encoded: %v", err))
	}
	rows := make([][]bool, code.Bounds().Dy())
	for y := range rows {
		rows[y] = make([]bool, code.Bounds().Dx())
		for x := range rows[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			rows[y][x] = r == 0
		}
	}
	return rows
}
