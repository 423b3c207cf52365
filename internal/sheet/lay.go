package sheet

import "strings"

func (h Heading) lines() []string { return heading.wrap(heading.clean(string(h)), measure) }

func (h Heading) least() length { return 12*pt + length(len(h.lines()))*heading.lead + 4*pt }

func (h Heading) lay(c *composer) {
	if c.y > top {
		c.y += 12 * pt
	}
	c.flow(heading, left, h.lines())
	c.y += 4 * pt
}

func (p Paragraph) least() length { return 2 * body.lead }

func (p Paragraph) lay(c *composer) {
	c.prose(body, string(p))
	c.y += 7 * pt
}

// labels is the width of the column of labels.
const labels = 138 * pt

func (f Fact) boxes() []box {
	value := body
	if f.Mono {
		value = figures
	}
	return []box{
		newBox(label, left, labels-12*pt, f.Label, false),
		newBox(value, left+labels, measure-labels, f.Value, false),
	}
}

func (f Facts) least() length {
	if len(f) == 0 {
		return 0
	}
	return unbroken(body.lead, tallest(f[0].boxes()))
}

func (f Facts) lay(c *composer) {
	if len(f) == 0 {
		return
	}
	c.rule(c.y, hair, thin)
	for _, fact := range f {
		c.row(body.lead, fact.boxes())
		c.rule(c.y, hair, thin)
	}
	c.y += 8 * pt
}

// titleMost is how many lines a column's title has, since it is repeated on
// every page and must leave room for the rows.
const titleMost = 4

func (t Table) least() length {
	if len(t.Columns) == 0 {
		return 0
	}
	return unbroken(cellHead.lead, titleMost) + 3*cell.lead
}

func (t Table) lay(c *composer) {
	if len(t.Columns) == 0 {
		return
	}
	titles := t.titles()
	c.again = func() {
		c.row(cellHead.lead, titles)
		c.rule(c.y, faint, firm)
	}
	c.again()
	rows := t.Rows
	if len(rows) == 0 {
		none := make([]string, len(t.Columns))
		none[0] = "–"
		rows = [][]string{none}
	}
	for _, row := range rows {
		c.row(cell.lead, t.boxes(row))
		c.rule(c.y, hair, thin)
	}
	c.again = nil
	c.y += 8 * pt
}

func (t Table) titles() []box {
	place := t.places()
	all := make([]box, len(t.Columns))
	for i, column := range t.Columns {
		b := newBox(cellHead, place[i], place[i+1]-place[i]-gutter, column.Title, column.Right)
		if len(b.lines) > titleMost {
			b.lines = b.lines[:titleMost]
			b.lines[titleMost-1] = b.cut(b.lines[titleMost-1], b.width)
		}
		all[i] = b
	}
	// Titles stand on the rule beneath them.
	for i := range all {
		all[i].lines = append(make([]string, tallest(all)-len(all[i].lines)), all[i].lines...)
	}
	return all
}

func (t Table) boxes(row []string) []box {
	place := t.places()
	all := make([]box, len(t.Columns))
	for i, column := range t.Columns {
		s := cell
		if column.Mono {
			s = cellMono
		}
		all[i] = newBox(s, place[i], place[i+1]-place[i]-gutter, row[i], column.Right)
	}
	return all
}

// gutter is the space between columns, narrowest the width no column is under.
const gutter, narrowest = 12 * pt, 24 * pt

// places tells where each column begins, and after the last where the next
// would.
func (t Table) places() []length {
	total := 0
	for _, column := range t.Columns {
		total += max(column.Share, 1)
	}
	spare := measure + gutter - length(len(t.Columns))*(narrowest+gutter)
	at := []length{left}
	for i, column := range t.Columns {
		at = append(at, at[i]+narrowest+gutter+spare*length(max(column.Share, 1))/length(total))
	}
	return at
}

// frame is the space around code, within its panel.
const frame = 9 * pt

func (k Code) lines() []string {
	return code.chop(strings.TrimRight(code.clean(string(k)), "\n"), measure-2*frame)
}

func (k Code) least() length { return unbroken(code.lead, len(k.lines())) + 2*frame }

func (k Code) lay(c *composer) {
	panel := func(height length) {
		// A little higher than needed, so that no seam shows between two.
		c.add(area{left, c.y, measure, height + thin, shade})
	}
	edge := func() {
		panel(frame)
		c.y += frame
	}
	c.again = edge
	edge()
	for _, line := range k.lines() {
		c.need(code.lead + frame)
		panel(code.lead + frame)
		c.set(code, left+frame, line)
		c.y += code.lead
	}
	c.again = nil
	c.y += frame + 8*pt
}

// quiet is the width of the light margin that a QR code needs, in modules.
const quiet = 4

// module is the size of one module: the code is as wide as three fingers, or
// wider when its modules would be too small to read.
func module(rows [][]bool) length { return max(100*pt/length(len(rows)), 1_400) }

func (q QR) least() length {
	rows := q.modules()
	return module(rows)*length(len(rows)+2*quiet) + code.lead
}

func (q QR) lay(c *composer) {
	rows := q.modules()
	size := module(rows)
	c.y += quiet * size
	// The margin is the page's own to the left: the code stands on the line of
	// the text.
	c.add(dots{left, c.y, size, rows})
	c.y += size * length(len(rows)+quiet)
	c.flow(code, left, code.wrap(code.clean(string(q)), measure))
	c.y += 8 * pt
}
