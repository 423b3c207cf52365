package docs

import (
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"sigillo/internal/fault"
	"sigillo/internal/writing"
)

// Kind says what a document is for: the OCDS documentType code where there is
// one.
type Kind string

// The kinds of tender papers.
const (
	Notice                  Kind = "tenderNotice"
	BiddingDocuments        Kind = "biddingDocuments" // disciplinare, lettera d'invito
	TechnicalSpecifications Kind = "technicalSpecifications"
	EvaluationCriteria      Kind = "evaluationCriteria"
	ContractDraft           Kind = "contractDraft"
	Clarifications          Kind = "clarifications"
)

// The kinds of documents in a bid.
const (
	Application     Kind = "application" // domanda di partecipazione
	ESPD            Kind = "espd"        // DGUE
	TechnicalOffer  Kind = "technicalOffer"
	EconomicOffer   Kind = "economicOffer"
	Guarantee       Kind = "guarantee"
	PowerOfAttorney Kind = "powerOfAttorney"
	Other           Kind = "other"
)

// Kinds lists them all.
func Kinds() []Kind {
	return []Kind{Notice, BiddingDocuments, TechnicalSpecifications, EvaluationCriteria, ContractDraft, Clarifications,
		Application, ESPD, TechnicalOffer, EconomicOffer, Guarantee, PowerOfAttorney, Other}
}

// language is the shape of a BCP 47 tag.
var language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// Document is one paper of a tender.
type Document struct {
	Hash      Hash   `json:"sha256"`
	Name      string `json:"name"` // file name
	Title     string `json:"title"`
	Kind      Kind   `json:"kind"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"` // bytes
	Language  string `json:"language,omitempty"`
	// Confidential papers are listed but shown only to those invited; a reason
	// is due (art. 35 c. 4).
	Confidential bool   `json:"confidential,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

// Check refuses a document that is not described properly.
func (d Document) Check() error {
	var fs fault.Fields
	if d.Hash == (Hash{}) {
		fs.Add("/sha256", "missing", "Manca l'impronta.", "The digest is missing.")
	}
	if !writing.FileName(d.Name) {
		fs.Add("/name", "bad-file-name", "Nome di file non valido: niente barre, caratteri di controllo o di direzione, al massimo 255 byte.",
			"Invalid file name: no slashes, control or direction characters, at most 255 bytes.")
	}
	if d.Title == "" || utf8.RuneCountInString(d.Title) > 500 || !writing.Line(d.Title) {
		fs.Add("/title", "bad-title", "Indichi un titolo, al massimo 500 caratteri.", "Give a title, at most 500 characters.")
	}
	known := false
	for _, k := range Kinds() {
		known = known || k == d.Kind
	}
	if !known {
		fs.Add("/kind", "unknown-code", "Tipo di documento sconosciuto.", "Unknown kind of document.")
	}
	if _, _, err := mime.ParseMediaType(d.MediaType); d.MediaType != "" && err != nil {
		fs.Add("/media_type", "malformed", "Tipo di contenuto non valido: per esempio application/pdf.", "Invalid media type: for example application/pdf.")
	}
	if d.Language != "" && !language.MatchString(d.Language) {
		fs.Add("/language", "malformed", "Lingua non valida: per esempio it, de o it-IT.", "Invalid language: for example it, de or it-IT.")
	}
	if d.Size <= 0 {
		fs.Add("/size", "empty-file", "Il file è vuoto.", "The file is empty.")
	}
	if d.Confidential && strings.TrimSpace(d.Reason) == "" {
		fs.Add("/reason", "missing", "Motivi la riservatezza (art. 35 c. 4).", "Give the reason of confidentiality (art. 35 c. 4).")
	}
	return fs.Err("bad-document", "Il documento non è descritto correttamente.", "The document is not described properly.")
}
