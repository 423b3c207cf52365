package sheet

// opening heads the first page: who states what, and when.
func (c *composer) opening() {
	moment := small.line(c.moment(c.At))
	w := min(small.measure(moment), measure/2)
	who := newBox(issuer, left, measure-w-24*pt, c.Issuer, false)
	when := newBox(small, right-w, w, moment, true)
	c.row(issuer.lead, []box{who, when})
	c.y += 4 * pt
	c.rule(c.y, deep, strong)
	c.y += 20 * pt
	c.prose(title, c.Title)
	if c.Subtitle != "" {
		c.y += 2 * pt
		c.prose(subtitle, c.Subtitle)
	}
	c.y += 12 * pt
}

// head heads every following page with one line.
func (c *composer) head() {
	what := cellHead.clip(cellHead.line(c.Title), measure*3/5)
	who := small.clip(small.line(c.Issuer), measure-cellHead.measure(what)-24*pt)
	c.add(words{left, headLine, cellHead, what})
	c.add(words{right - small.measure(who), headLine, small, who})
	c.rule(headLine+8*pt, hair, thin)
}

// footMost is how many lines the foot has.
const footMost = 3

// feet puts the foot and the page's number on every page, now that the number
// of pages is known.
func (c *composer) feet() {
	note := small.wrap(small.clean(c.Foot), measure-96*pt)
	if len(note) > footMost {
		note = note[:footMost]
		note[footMost-1] = small.cut(note[footMost-1], measure-96*pt)
	}
	for i := range c.pages {
		number := small.line(c.page(i+1, len(c.pages)))
		marks := []mark{area{left, footLine, measure, thin, hair}, words{right - small.measure(number), footLine + 15*pt, small, number}}
		for j, line := range note {
			marks = append(marks, words{left, footLine + 15*pt + length(j)*small.lead, small, line})
		}
		c.pages[i] = append(c.pages[i], marks...)
	}
}
