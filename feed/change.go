package feed

import (
	"fmt"
	"slices"
	"time"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// Change is one public fact.
type Change struct {
	ID        string     `json:"id" doc:"Del cambiamento; serve anche a continuare da qui."`
	Kind      Kind       `json:"kind" doc:"Tipo di evento."`
	Action    act.Action `json:"action" doc:"L'atto, con il nome che ha nel registro."`
	At        time.Time  `json:"at" doc:"Istante dell'atto."`
	Effective *time.Time `json:"effective,omitempty" doc:"Istante legale, dove è diverso da quello dell'atto."`
	Authority string     `json:"authority"`
	Tender    string     `json:"tender"`
	Title     string     `json:"title" doc:"Titolo della gara, com'è ora."`
	Lot       string     `json:"lot,omitempty"`
	LotNumber int        `json:"lot_number,omitempty"`
	Question  string     `json:"question,omitempty"`
	Link      string     `json:"link" doc:"Dove si legge, su questo stesso servizio."`
}

// Of is the change that an entry of the register makes public, if any. It says
// nothing of who acted.
func Of(e audit.Entry, t *tender.Tender) (Change, bool) {
	r, told := rowOf(act.Action(e.Action))
	if !told || slices.Contains(e.Actor.Powers, string(act.Supplier)) || act.See(act.Nobody(), act.ViewTender, t) != nil {
		return Change{}, false
	}
	c := Change{ID: e.ID, Kind: r.kind, Action: r.action, At: e.At, Authority: t.Buyer.ID, Tender: t.ID, Lot: e.Lot}
	if e.Effective != nil && !e.Effective.Equal(e.At) {
		c.Effective = e.Effective
	}
	if e.Object.Type == "question" {
		c.Question = e.Object.ID
	}
	return c, true
}

// Complete adds what stands in the tender, and the kind and link that follow
// from the rest: none of it is kept twice.
func (c *Change) Complete(t *tender.Tender) {
	r, _ := rowOf(c.Action)
	c.Kind, c.Title = r.kind, t.Title
	if l, err := t.Lot(c.Lot); err == nil {
		c.LotNumber = l.Number
	}
	c.Link = "/v1/tenders/" + c.Tender
	if c.Question != "" {
		c.Link += "/questions/" + c.Question
	}
}

// Headline is the change in a few words for people.
func (c *Change) Headline() fault.Text {
	r, _ := rowOf(c.Action)
	about := fault.Text{IT: ": " + c.Title, EN: ": " + c.Title}
	if c.LotNumber > 0 {
		about.IT, about.EN = fmt.Sprintf("%s, lotto %d", about.IT, c.LotNumber), fmt.Sprintf("%s, lot %d", about.EN, c.LotNumber)
	}
	return fault.Text{IT: r.title.IT + about.IT, EN: r.title.EN + about.EN}
}
