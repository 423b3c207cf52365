package sheet

// The page. Text stands on a measure of 471 points: a SHA-256 digest fits beside
// its label on one line.
const (
	pageWidth = 595_280
	left      = 62 * pt
	right     = pageWidth - left
	measure   = right - left
	top       = 92 * pt // of the text on every page but the first
	bottom    = 762 * pt
	titleTop  = 58 * pt // of the title block on the first page
	headLine  = 50 * pt // base line of the head on the following pages
	footLine  = 778 * pt
)

var (
	body     = style{sans, 9_500, 14 * pt, black}
	label    = style{sans, 9 * pt, 14 * pt, faint}
	title    = style{heavy, 18 * pt, 23 * pt, deep}
	subtitle = style{sans, 11_500, 16 * pt, black}
	heading  = style{heavy, 11 * pt, 15 * pt, deep}
	issuer   = style{heavy, 9 * pt, 12 * pt, black}
	small    = style{sans, 8 * pt, 11 * pt, faint}
	cell     = style{sans, 8_500, 12 * pt, black}
	cellHead = style{heavy, 8 * pt, 11 * pt, faint}
	figures  = style{mono, 8_500, 14 * pt, black}
	cellMono = style{mono, 7_500, 12 * pt, black}
	code     = style{mono, 7_500, 11 * pt, black}
)

// thin, firm and strong are how thick rules are.
const (
	thin   length = 500
	firm   length = 800
	strong length = 1_200
)

// composer fills pages from top to bottom.
type composer struct {
	Sheet
	tongue
	pages [][]mark
	y     length // where the next thing goes
	again func() // what goes on at the head of a page: a table, or code
}

// compose lays the statement out on pages.
func compose(s Sheet) [][]mark {
	c := &composer{Sheet: s, tongue: tongues[s.Language], pages: [][]mark{nil}, y: titleTop}
	c.opening()
	for i, b := range s.Blocks {
		c.need(together(s.Blocks[i:]))
		b.lay(c)
	}
	c.feet()
	return c.pages
}

// together is the height of what must stay with the first of some blocks: a
// heading goes with what it heads.
func together(blocks []Block) length {
	var height length
	for _, b := range blocks {
		height += b.least()
		if _, more := b.(Heading); !more || height > full {
			break
		}
	}
	return min(height, full)
}

func (c *composer) add(m mark) {
	last := len(c.pages) - 1
	c.pages[last] = append(c.pages[last], m)
}

func (c *composer) turn() {
	c.pages = append(c.pages, nil)
	c.y = top
	c.head()
	if c.again != nil {
		c.again()
	}
}

// need turns the page when less than height is left on it.
func (c *composer) need(height length) {
	if c.y+height > bottom {
		c.turn()
	}
}

// full is the height of the text on a page.
const full = bottom - top

// set puts one line of cleaned text at x, in a line that begins at c.y.
func (c *composer) set(s style, x length, text string) {
	base := c.y + s.lead*74/100 // one base line for all that stands in a row
	if s.face != mono {
		c.add(words{x, base, s, text})
		return
	}
	// The groups of a digest touch: only their colour sets them apart, so that
	// the number is still one word for whoever searches or copies it.
	put := func(s style, piece string) {
		c.add(words{x, base, s, piece})
		x += s.measure(piece)
	}
	rest := 0
	for _, at := range digest.FindAllStringIndex(text, -1) {
		put(s, text[rest:at[0]])
		for i, piece := range groups(text[at[0]:at[1]]) {
			put(s.in([]ink{black, second}[i%2]), piece)
		}
		rest = at[1]
	}
	put(s, text[rest:])
}

// flow puts lines one beneath the other, over pages.
func (c *composer) flow(s style, x length, lines []string) {
	for _, line := range lines {
		c.need(s.lead)
		c.set(s, x, line)
		c.y += s.lead
	}
}

// prose flows text over the whole measure.
func (c *composer) prose(s style, text string) { c.flow(s, left, s.wrap(s.clean(text), measure)) }

func (c *composer) rule(y length, i ink, thick length) { c.add(area{left, y, measure, thick, i}) }

// box is text to be set in a row, beside others.
type box struct {
	style
	x, width length
	lines    []string
	right    bool
}

func newBox(s style, x, width length, text string, right bool) box {
	return box{s, x, width, s.wrap(s.clean(text), width), right}
}

// pad is the space above and below a row.
const pad length = 2_500

func tallest(boxes []box) int {
	count := 0
	for _, b := range boxes {
		count = max(count, len(b.lines))
	}
	return count
}

// unbroken is the height of lines that stay together on a page. They do not
// when they are so many that this would leave much of a page empty.
func unbroken(lead length, lines int) length {
	if height := length(lines)*lead + 2*pad; height <= full/3 {
		return height
	}
	return lead + 2*pad
}

// row sets boxes side by side.
func (c *composer) row(lead length, boxes []box) {
	count := tallest(boxes)
	c.need(unbroken(lead, count))
	c.y += pad
	for i := range count {
		c.need(lead)
		for _, b := range boxes {
			if i >= len(b.lines) {
				continue
			}
			x := b.x
			if b.right {
				x += b.width - b.measure(b.lines[i])
			}
			s := b.style
			s.lead = lead
			c.set(s, x, b.lines[i])
		}
		c.y += lead
	}
	c.y += pad
}
