package audit

import (
	"bytes"
	_ "embed"
	"text/template"
)

//go:embed bundle/LEGGIMI.md
var readmeText string

var readmeForm = template.Must(template.New("LEGGIMI").Parse(readmeText))

// readme is LEGGIMI.md: what the bundle is, how to verify it, what is not in it
// and why. It is in Italian, for it goes to courts and auditors.
func (b *BundleWriter) readme() ([]byte, error) {
	p := b.head.promise()
	var out bytes.Buffer
	err := readmeForm.Execute(&out, map[string]any{
		"Authority": p.Authority, "Tender": p.Tender, "From": p.From, "To": p.To, "Sealed": p.Sealed,
		"Entries": b.count, "Withheld": b.withheld, "Untold": b.untold, "Included": len(b.documents), "Listed": len(b.known),
		"Origin": b.checkpoint.Origin, "Size": b.checkpoint.Size, "At": b.head.At.UTC().Format(instant),
	})
	return out.Bytes(), err
}
