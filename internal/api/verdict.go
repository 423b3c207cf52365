package api

import (
	"time"

	"sigillo/docs"
	"sigillo/internal/seal"
	"sigillo/internal/signature"
)

// VerdictView is what the checks say of a document.
type VerdictView struct {
	Name      string             `json:"name"`
	SHA256    string             `json:"sha256"`
	MediaType string             `json:"media_type"`
	Pages     int                `json:"pages,omitempty"`
	Format    signature.Format   `json:"signature_format"`
	Signers   []SignerView       `json:"signers,omitempty"`
	Findings  []DocumentFindView `json:"findings"`
}

// DocumentFindView is one thing to know about a document.
type DocumentFindView struct {
	Severity docs.Severity `json:"severity" enum:"blocking,warning,info"`
	Code     string        `json:"code"`
	Text     string        `json:"text"`
}

// SignerView is one signature of a document.
type SignerView struct {
	Name      string     `json:"name"`
	TaxCode   string     `json:"tax_code,omitempty"`
	Issuer    string     `json:"issuer"`
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	ClaimedAt *time.Time `json:"claimed_at,omitempty" doc:"Secondo chi ha firmato."`
	StampedAt *time.Time `json:"stamped_at,omitempty" doc:"Secondo una marca temporale verificata."`
	Sound     bool       `json:"sound" doc:"Il contenuto è quello firmato."`
	Trusted   bool       `json:"trusted" doc:"Il certificato risale alla lista di fiducia ed era valido."`
}

func verdictView(lang string, item seal.Item, v docs.Verdict) VerdictView {
	out := VerdictView{Name: item.Name, SHA256: item.SHA256, MediaType: v.MediaType, Pages: v.Pages, Format: v.Signatures.Format, Findings: []DocumentFindView{}}
	for _, s := range v.Signatures.Signers {
		out.Signers = append(out.Signers, SignerView{s.Name, s.TaxCode, s.Issuer, s.NotBefore, s.NotAfter, s.ClaimedAt, s.StampedAt, s.Sound, s.Trusted})
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, DocumentFindView{f.Severity, f.Code, f.Text.In(lang)})
	}
	return out
}
