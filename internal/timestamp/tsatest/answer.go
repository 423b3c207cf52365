package tsatest

import (
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"time"
)

// query is a TimeStampReq (RFC 3161, 2.4.1).
type query struct {
	Version     int
	Imprint     imprint
	Policy      asn1.ObjectIdentifier `asn1:"optional"`
	Nonce       *big.Int              `asn1:"optional"`
	Certificate bool                  `asn1:"optional"`
}

type status struct {
	Status int
	Text   []asn1.RawValue `asn1:"optional,omitempty"`
	Reason asn1.BitString  `asn1:"optional"`
}

// answer plays the mode of the moment.
func (a *TSA) answer(w http.ResponseWriter, r *http.Request) {
	a.asked.Add(1)
	mode := Mode(a.mode.Load())
	if r.URL.Path == "/elsewhere" {
		mode = Honest
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var q query
	if err == nil {
		var rest []byte
		if rest, err = asn1.Unmarshal(body, &q); err == nil && len(rest) > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" || q.Version != 1 || !q.Certificate || len(q.Imprint.Digest) != 32 {
		http.Error(w, "not a request for a time stamp", http.StatusBadRequest)
		return
	}
	kind, reply := "application/timestamp-reply", a.granted(a.token(mode, [32]byte(q.Imprint.Digest), q.Nonce))
	switch mode {
	case Refused:
		words := asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("contatore\x1b[2J esaurito")}
		reply = a.der(struct{ S status }{status{2, []asn1.RawValue{words}, asn1.BitString{Bytes: []byte{0x20}, BitLength: 3}}})
	case Empty:
		reply = a.der(struct{ S status }{})
	case Page:
		kind, reply = "text/html; charset=utf-8", []byte("<!doctype html><title>Accedi</title>")
	case Mislabelled:
		kind = "application/octet-stream"
	case Unwell:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case Elsewhere:
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return
	case Slow:
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
		return
	case Truncated:
		reply = reply[:len(reply)/2]
	case Endless:
		reply = append(reply, make([]byte, 1<<20)...)
	}
	w.Header().Set("Content-Type", kind)
	w.Write(reply) // whoever asked may have left
}

func (a *TSA) granted(token []byte) []byte {
	return a.der(struct {
		S     status
		Token asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}})
}
