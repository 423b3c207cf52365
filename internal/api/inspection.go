package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"sigillo/audit"
	"sigillo/inspection"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// EntryView is an entry of the register where it stands in the log.
type EntryView struct {
	Index uint64          `json:"index" doc:"Posto nel registro di tutta la piattaforma, da 0."`
	Seq   uint64          `json:"seq,omitempty" doc:"Numero tra le voci della sua gara, da 1."`
	Entry json.RawMessage `json:"entry" doc:"Forma canonica (RFC 8785): i byte che la foglia impegna."`
}

// FoundView is a page of entries.
type FoundView struct {
	Items []EntryView `json:"items"`
	Next  string      `json:"next" doc:"Da dove continuare, anche più tardi: nulla si inserisce dietro chi legge."`
	Whole bool        `json:"whole" doc:"La ricerca è giunta alla fine attuale del registro."`
}

// StateView is an object as an act left it.
type StateView struct {
	Object   audit.Object    `json:"object"`
	State    string          `json:"state"`
	Snapshot json.RawMessage `json:"snapshot" doc:"JSON canonico dell'oggetto intero."`
	Salt     []byte          `json:"salt" doc:"SHA-256(sale ‖ snapshot) è l'impronta che la voce dichiara."`
	Left     EntryView       `json:"left" doc:"La voce che lo ha lasciato così."`
	Evidence *audit.Evidence `json:"evidence" doc:"Prova che la voce è nel registro."`
}

// LookView is an act with what it changed.
type LookView struct {
	EntryView
	Changes  []ChangeView    `json:"changes"`
	Evidence *audit.Evidence `json:"evidence"`
}

// ChangeView is what an act did to one object.
type ChangeView struct {
	Object      audit.Object     `json:"object"`
	Before      string           `json:"before,omitempty" doc:"Stato prima."`
	After       string           `json:"after,omitempty" doc:"Stato dopo."`
	Erased      bool             `json:"erased,omitempty" doc:"I dati sono stati cancellati: le differenze non si possono più dire."`
	Differences []DifferenceView `json:"differences"`
}

// DifferenceView is one place that changed.
type DifferenceView struct {
	Pointer string          `json:"pointer" doc:"RFC 6901."`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

func entryView(l inspection.Line) (EntryView, error) {
	text, err := audit.Canonical(l.Entry)
	return EntryView{l.Index, l.Seq, text}, err
}

type searchInput struct {
	ByID
	Tender string `query:"tender" maxLength:"100"`
	Lot    string `query:"lot" maxLength:"100"`
	Actor  string `query:"actor" maxLength:"100" doc:"Identificativo di chi ha agito."`
	Action string `query:"action" maxLength:"100" doc:"Nome dell'atto, come read-envelope."`
	Type   string `query:"type" maxLength:"100" doc:"Tipo di oggetto, come bid o opening."`
	Object string `query:"object" maxLength:"100" doc:"Identificativo dell'oggetto."`
	From   string `query:"from" maxLength:"40" doc:"RFC 3339, compreso."`
	To     string `query:"to" maxLength:"40" doc:"RFC 3339, escluso."`
	After  string `query:"after" maxLength:"20" pattern:"^[0-9]*$" doc:"Il next della pagina precedente."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

func (in *searchInput) query() (inspection.Query, error) {
	q := inspection.Query{Tender: in.Tender, Lot: in.Lot, Actor: in.Actor, Action: in.Action, Type: in.Type, Object: in.Object, Limit: in.Limit}
	var fs fault.Fields
	q.From, q.To = instant(&fs, "query:from", in.From), instant(&fs, "query:to", in.To)
	if in.After != "" {
		var err error
		if q.After, err = strconv.ParseUint(in.After, 10, 63); err != nil {
			fs.Add("query:after", "malformed", "Usi il next della pagina precedente.", "Use the next of the page before.")
		}
	}
	return q, fs.Err("bad-query", "La ricerca non è ben formata: corregga i campi indicati.", "The search is not well formed: correct the fields shown.")
}

func (a *API) inspection() {
	const tag = "Registro"
	search := operation(act.SearchAudit, http.MethodGet, "/v1/authorities/{id}/audit/entries", tag)
	search.Description += " Nell'ordine del registro. Gli atti degli offerenti su gare non ancora aperte non vi compaiono. Guarda al più 5.000 voci per volta. Ogni ricerca è a sua volta un atto."
	on(a, search, func(ctx context.Context, call act.Call, in *searchInput) (*struct{ Body FoundView }, error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		page, err := a.s.Inspection.Search(ctx, call, in.ID, q)
		if err != nil {
			return nil, err
		}
		out := FoundView{Items: []EntryView{}, Next: strconv.FormatUint(page.Next, 10), Whole: page.Whole}
		for _, l := range page.Lines {
			v, err := entryView(l)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, v)
		}
		return &struct{ Body FoundView }{out}, nil
	})
	on(a, operation(act.ViewEntry, http.MethodGet, "/v1/authorities/{id}/audit/entries/{index}", tag), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Index uint64 `path:"index" maximum:"9007199254740991" doc:"Posto nel registro, da 0."`
	}) (*struct{ Body LookView }, error) {
		l, err := a.s.Inspection.Entry(ctx, call, in.ID, in.Index)
		if err != nil {
			return nil, err
		}
		v, err := entryView(l.Line)
		out := LookView{EntryView: v, Evidence: l.Evidence, Changes: []ChangeView{}}
		for _, c := range l.Changes {
			change := ChangeView{Object: c.Object, Before: c.Before, After: c.After, Erased: c.Erased, Differences: []DifferenceView{}}
			for _, d := range c.Differences {
				change.Differences = append(change.Differences, DifferenceView(d))
			}
			out.Changes = append(out.Changes, change)
		}
		return &struct{ Body LookView }{out}, err
	})
	a.bundle(tag)
	state := operation(act.ViewState, http.MethodGet, "/v1/authorities/{id}/audit/objects/{type}/{object}", tag)
	state.Description += " Ricostruito dal registro, e mostrato solo se ha l'impronta che la voce dichiara."
	on(a, state, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Type   string `path:"type" maxLength:"40"`
		Object string `path:"object" maxLength:"100"`
		At     string `query:"at" maxLength:"40" doc:"RFC 3339; senza, adesso."`
	}) (*struct{ Body StateView }, error) {
		at, err := a.s.Now()
		if err != nil {
			return nil, err
		}
		var fs fault.Fields
		if asked := instant(&fs, "query:at", in.At); !asked.IsZero() {
			at = asked
		}
		if err := fs.Err("bad-query", "La richiesta non è ben formata: corregga i campi indicati.", "The request is not well formed: correct the fields shown."); err != nil {
			return nil, err
		}
		s, err := a.s.Inspection.StateAt(ctx, call, in.ID, in.Type, in.Object, at)
		if err != nil {
			return nil, err
		}
		v, err := entryView(s.Line)
		return &struct{ Body StateView }{StateView{s.Object, s.Name, s.Snapshot, s.Salt, v, s.Evidence}}, err
	})
}
