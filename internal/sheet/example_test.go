package sheet_test

import (
	"bytes"
	"fmt"
	"time"

	"sigillo/internal/sheet"
)

func ExampleWrite() {
	var pdf bytes.Buffer
	err := sheet.Write(&pdf, sheet.Sheet{
		Language: "it", Title: "RICEVUTA – OFFERTA INVIATA", Issuer: "Sigillo · Comune di Trento",
		At: time.Date(2026, 11, 19, 11, 15, 4, 0, time.UTC),
		Blocks: []sheet.Block{
			sheet.Heading("Offerta"),
			sheet.Facts{{Label: "Ricevuta n.", Value: "2026/000217"}, {Label: "CIG", Value: "B4F2A91C07", Mono: true}},
			sheet.QR("https://gare.example.it/verifica/2026/000217"),
		},
		Attached: []sheet.Attached{{Name: "ricevuta.json", Bytes: []byte(`{}`), Media: "application/json"}},
	})
	fmt.Printf("%v %.5s\n", err, &pdf)
	// Output: <nil> %PDF-
}
