package sheet

import (
	"fmt"
	"strings"
	"time"
)

// tongue holds what a sheet says of itself in one language.
type tongue struct {
	pages string // page, of how many
	date  string // a layout of package time
	zones *strings.Replacer
}

var tongues = map[string]tongue{
	"it": {"Pagina %d di %d", "02/01/2006, 15:04:05 MST", strings.NewReplacer()},
	"en": {"Page %d of %d", "2 January 2006, 15:04:05 MST", strings.NewReplacer()},
	"de": {"Seite %d von %d", "02.01.2006, 15:04:05 MST", strings.NewReplacer("CEST", "MESZ", "CET", "MEZ")},
}

func (t tongue) page(n, of int) string { return fmt.Sprintf(t.pages, n, of) }

func (t tongue) moment(at time.Time) string { return t.zones.Replace(at.Format(t.date)) }
