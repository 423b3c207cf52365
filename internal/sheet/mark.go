package sheet

import "codeberg.org/go-pdf/fpdf"

// ink is a colour.
type ink [3]int

var (
	black  = ink{26, 28, 33}
	faint  = ink{96, 104, 117}
	deep   = ink{16, 58, 110}
	hair   = ink{213, 218, 225}
	shade  = ink{245, 246, 248}
	second = ink{46, 84, 140} // every other group of a digest
)

// length is a distance on paper, in thousandths of a point. Whole numbers come
// out the same on every kind of machine.
type length int

const pt length = 1000

// points is the distance as the writer of PDFs wants it.
func (l length) points() float64 { return float64(l) / 1000 }

// mark is something at a fixed place of a page, from its upper left corner.
type mark interface {
	draw(*fpdf.Fpdf)
}

// words is text on one line, from the left end of its base line.
type words struct {
	x, y length
	style
	text string
}

func (m words) draw(pdf *fpdf.Fpdf) {
	if m.text == "" {
		return
	}
	pdf.SetFont(m.family, "", m.size.points())
	pdf.SetTextColor(m.ink[0], m.ink[1], m.ink[2])
	pdf.Text(m.x.points(), m.y.points(), m.text)
}

// area is a filled rectangle; rules are thin ones.
type area struct {
	x, y, w, h length
	ink        ink
}

func (m area) draw(pdf *fpdf.Fpdf) {
	pdf.SetFillColor(m.ink[0], m.ink[1], m.ink[2])
	pdf.Rect(m.x.points(), m.y.points(), m.w.points(), m.h.points(), "F")
}

// dots is a square grid of dark and light modules.
type dots struct {
	x, y, module length
	rows         [][]bool
}

func (m dots) draw(pdf *fpdf.Fpdf) {
	pdf.SetFillColor(0, 0, 0)
	// One path for all, so that no reader leaves seams between the modules.
	for i, row := range m.rows {
		top := (m.y + length(i)*m.module).points()
		foot := (m.y + length(i+1)*m.module).points()
		for j := 0; j < len(row); j++ {
			from := j
			for j < len(row) && row[j] {
				j++
			}
			if j > from {
				left, right := (m.x + length(from)*m.module).points(), (m.x + length(j)*m.module).points()
				pdf.MoveTo(left, top)
				pdf.LineTo(right, top)
				pdf.LineTo(right, foot)
				pdf.LineTo(left, foot)
				pdf.ClosePath()
			}
		}
	}
	pdf.DrawPath("F")
}

// draw sets the pages in type.
func draw(pages [][]mark) ([]byte, error) {
	pdf := fpdf.New("P", "pt", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	for _, f := range faces {
		// Each document gets its own copy: the writer works in the file's bytes.
		pdf.AddUTF8FontFromBytes(f.family, "", []byte(f.ttf))
	}
	for _, page := range pages {
		pdf.AddPage()
		for _, m := range page {
			m.draw(pdf)
		}
	}
	return output(pdf)
}
