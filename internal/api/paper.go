package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/sheet"
	"sigillo/tender"
)

// papered tells a receipt on paper. Its words are those of the law, and so in
// Italian; the same statement for machines is inside the file.
func papered(r bids.Receipt, s audit.Statement) ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	title, foot := "RICEVUTA – OFFERTA INVIATA", "Si verifica senza rete con «sigillo verify receipt», sul file JSON allegato a questo PDF."
	if r.Says == "withdrawal" {
		title = "RICEVUTA – OFFERTA RITIRATA"
	}
	facts := sheet.Facts{
		{Label: "Ricevuta n.", Value: r.Number},
		{Label: "Operatore economico", Value: r.Supplier.Name},
		{Label: "Stazione appaltante", Value: r.Authority.Name},
		{Label: "Gara", Value: r.Tender.Name},
		{Label: "Riferimento", Value: r.Reference},
		{Label: "Lotto", Value: r.Lot.Name},
		{Label: "CIG", Value: r.CIG, Mono: true},
		{Label: "Ricevuta alle (istante legale)", Value: tender.InRomeExactly(r.ReceivedAt)},
	}
	if r.PressedAt != nil {
		facts = append(facts, sheet.Fact{Label: "Inviata alle (orologio dell'operatore)", Value: tender.InRomeExactly(*r.PressedAt)})
	}
	if !r.ArrivedAt.IsZero() {
		facts = append(facts, sheet.Fact{Label: "Arrivata alla piattaforma alle", Value: tender.InRomeExactly(r.ArrivedAt)})
	}
	facts = append(facts, sheet.Fact{Label: "Termine", Value: tender.InRome(r.Deadline)})
	blocks := []sheet.Block{filled(facts), sheet.Paragraph(r.Rule)}
	if len(r.Envelopes) > 0 {
		blocks = append(blocks, sheet.Heading("Buste sigillate ricevute"))
		var list sheet.Facts
		for _, e := range r.Envelopes {
			list = append(list, sheet.Fact{Label: fmt.Sprintf("Busta %s, %d byte", e.Envelope, e.Size), Value: e.Digest, Mono: true})
		}
		blocks = append(blocks, append(list, sheet.Fact{Label: "Manifesto", Value: r.ManifestHash, Mono: true}))
	}
	blocks = append(blocks, sheet.Heading("Firma della piattaforma"))
	for _, line := range s.Signatures {
		blocks = append(blocks, sheet.Code(line))
	}
	if s.Evidence != nil {
		place, err := placed(s.Evidence)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, sheet.Heading("Posto nel registro"), place)
	}
	var out bytes.Buffer
	err = sheet.Write(&out, sheet.Sheet{
		Language: "it", Title: title, Subtitle: r.Tender.Name, Issuer: "Sigillo · " + r.Authority.Name, At: r.ReceivedAt.In(tender.Rome()),
		Blocks: blocks, Foot: foot,
		Attached: []sheet.Attached{{Name: "ricevuta-" + r.Number + ".json", Bytes: text, Media: "application/json", Description: "La stessa ricevuta, firmata, per la verifica"}},
	})
	return out.Bytes(), err
}

// placed tells where in the log the act stands, and under which root: whoever
// keeps the paper can compare it with what witnesses have signed.
func placed(v *audit.Evidence) (sheet.Facts, error) {
	p, err := audit.ParseProof(v.Proof)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitN(p.Note, "\n", 4)
	if len(lines) < 4 {
		return nil, audit.ErrBadCheckpoint
	}
	return sheet.Facts{
		{Label: "Registro", Value: lines[0], Mono: true},
		{Label: "Voce (da 0)", Value: strconv.FormatUint(p.Index, 10), Mono: true},
		{Label: "Voci sotto la radice", Value: lines[1], Mono: true},
		{Label: "Radice", Value: lines[2], Mono: true},
	}, nil
}

// filled leaves out what was not stated.
func filled(all sheet.Facts) sheet.Facts {
	var some sheet.Facts
	for _, f := range all {
		if f.Value != "" {
			some = append(some, f)
		}
	}
	return some
}

func (a *API) paperReceipts(tag string) {
	op := operation(act.PrintReceipt, http.MethodGet, "/v1/bids/{id}/receipts/{number}/pdf", tag, pathParam("id"), pathParam("number"))
	stream(a, op, func(call act.Call, w http.ResponseWriter, r *http.Request) error {
		n, err := strconv.Atoi(r.PathValue("number"))
		if err != nil {
			return fault.Missing("receipt")
		}
		receipt, err := a.s.Bids.Receipt(r.Context(), call.Actor, r.PathValue("id"), n)
		if err != nil {
			return err
		}
		s, err := a.receipt(r.Context(), receipt)
		if err != nil {
			return err
		}
		body, err := papered(receipt, s)
		if err != nil {
			return err
		}
		w.Header().Set("Last-Modified", receipt.ReceivedAt.UTC().Format(http.TimeFormat))
		return download(w, "ricevuta-"+receipt.Number+".pdf", receipt.ManifestHash, int64(len(body)), bytes.NewReader(body))
	})
}
