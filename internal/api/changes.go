package api

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"sigillo/feed"
	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// ChangesBody is a page of what has become public.
type ChangesBody struct {
	Items []feed.Change `json:"items"`
	Next  string        `json:"next,omitempty" doc:"Da passare come after per continuare: adesso, o più tardi se non c'è altro. Assente solo se non è mai stato pubblicato nulla."`
}

// onTender chooses the changes of one tender.
const onTender = "Solo i cambiamenti di questa gara."

func (a *API) changes() {
	const tag = "Novità"
	list := operation(act.ListChanges, http.MethodGet, "/v1/changes", tag)
	list.Description += " Nell'ordine del registro, che è definitivo: chi continua da dove era arrivato non perde nulla e non vede nulla due volte."
	on(a, list, func(ctx context.Context, call act.Call, in *struct {
		Page
		Tender string `query:"tender" maxLength:"100" doc:"Solo i cambiamenti di questa gara."`
	}) (*struct{ Body ChangesBody }, error) {
		all, next, err := a.s.Feed.Changes(ctx, call.Actor, in.Tender, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = []feed.Change{}
		}
		return &struct{ Body ChangesBody }{ChangesBody{all, next}}, nil
	})
	a.atom(tag)
}

// newest is how many changes the Atom feed has.
const newest = 100

// atom serves the newest changes for readers of news (RFC 4287).
func (a *API) atom(tag string) {
	op := operation(act.ReadFeed, http.MethodGet, "/v1/changes.atom", tag, &huma.Param{Name: "tender", In: "query", Schema: &huma.Schema{Type: "string"}, Description: onTender})
	op.Description += " Gli ultimi 100; per averli tutti si usa /v1/changes."
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/atom+xml": {Schema: &huma.Schema{Type: "string"}}}}
	a.huma.OpenAPI().AddOperation(&op)
	a.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		c := callerOf(r.Context())
		text, err := a.atomOf(r, c)
		if err != nil {
			a.fail(w, c, err)
			return
		}
		w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Vary", "Accept-Language")
		w.Write(text)
	})
}

func (a *API) atomOf(r *http.Request, c caller) ([]byte, error) {
	query := r.URL.Query()
	one := query.Get("tender")
	if len(one) > 100 || len(query) > 1 || len(query) == 1 && len(query["tender"]) != 1 {
		return nil, fault.New(fault.Invalid, "bad-query", "L'unico parametro è tender.", "The only parameter is tender.").
			At("query:tender", "malformed", fault.T("non valido", "invalid"))
	}
	all, err := a.s.Feed.Latest(r.Context(), c.actor, one, newest)
	if err != nil {
		return nil, err
	}
	now, err := a.s.Now()
	if err != nil {
		return nil, err
	}
	return writeAtom(all, a.s.Trail.Key(), one, c.lang, now)
}

// The elements of RFC 4287 that are used, in its words.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang    string      `xml:"xml:lang,attr"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  string      `xml:"author>name"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomEntry struct {
		ID       string       `xml:"id"`
		Title    string       `xml:"title"`
		Updated  string       `xml:"updated"`
		Category atomCategory `xml:"category"`
		Link     atomLink     `xml:"link"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
)

// writeAtom writes a feed. Its id follows from the key of the log, which no
// other installation has, or is that of the tender. Links are relative: behind a
// balancer a server does not know its own name.
func writeAtom(all []feed.Change, key, one, lang string, now time.Time) ([]byte, error) {
	f := atomFeed{Lang: lang, ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("feed\n"+key+"\n"+one)).URN(), Author: "Sigillo", Updated: now.Format(time.RFC3339Nano),
		Title: fault.T("Gare: novità", "Tenders: news").In(lang)}
	self, full := "/v1/changes.atom", "/v1/changes"
	if one != "" {
		which := "?tender=" + url.QueryEscape(one)
		self, full = self+which, full+which
	}
	f.Links = []atomLink{{"self", "application/atom+xml", self}, {"alternate", "application/json", full}}
	for i, c := range all {
		at := c.At.Format(time.RFC3339Nano)
		if i == 0 {
			f.Updated = at
			if one != "" {
				f.Title = c.Title
			}
		}
		f.Entries = append(f.Entries, atomEntry{"urn:uuid:" + c.ID, c.Headline().In(lang), at, atomCategory{string(c.Kind)}, atomLink{"alternate", "application/json", c.Link}})
	}
	text, err := xml.MarshalIndent(f, "", "  ")
	return append([]byte(xml.Header), text...), err
}
