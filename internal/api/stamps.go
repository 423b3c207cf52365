package api

import (
	"context"
	"net/http"
	"strconv"

	"sigillo/internal/act"
	"sigillo/internal/anchor"
)

// StampView is what a time-stamping authority said of a checkpoint.
type StampView struct {
	*anchor.Stamp
	After string `json:"after" doc:"Da passare come after per continuare da qui."`
}

func (a *API) stamps() {
	op := operation(act.ListStamps, http.MethodGet, "/v1/stamps", "Registro")
	op.Description += " Marche temporali (RFC 3161) sui checkpoint del log: note è ciò che fu marcato, byte per byte; token è in DER. Si controllano con sigillo verify timestamp o con openssl ts."
	on(a, op, func(ctx context.Context, call act.Call, in *struct {
		After string `query:"after" maxLength:"20" pattern:"^[0-9]*$" doc:"Dimensione dell'ultimo checkpoint già letto."`
		Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	}) (*list[StampView], error) {
		after, _ := strconv.ParseUint("0"+in.After, 10, 63) // digits, as its pattern has it
		all, err := a.s.Anchor.Stamps(ctx, call.Actor, after, in.Limit)
		if err != nil {
			return nil, err
		}
		views := make([]StampView, len(all))
		for i, s := range all {
			views[i] = StampView{s, strconv.FormatUint(s.Size, 10)}
		}
		return pageOf(views, in.Limit, func(v StampView) string { return v.After }), nil
	})
}
