package sealer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// Keeper is all that the rest of the platform asks of a sealer, in process or
// in another one.
type Keeper interface {
	bids.Sealer
	Mint(ctx context.Context, authority, tender, lot, envelope string, rehearsal bool) (recipient string, wrapped []byte, err error)
	Veil(context.Context, Question) (Answer, error)
}

// What crosses the socket. Keys cross it only once the opening is committed.
type (
	mintRequest struct {
		Authority, Tender, Lot, Envelope string
		Rehearsal                        bool
	}
	mintAnswer struct {
		Recipient string
		Wrapped   []byte
	}
	oneReleased struct {
		FileKey []byte
		Falsity seal.Falsity
		Fault   *wireFault `json:",omitempty"`
	}
	wireFault struct {
		Kind fault.Kind
		Code string
		Text fault.Text
	}
)

func wire(err error) *wireFault {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	return &wireFault{f.Kind, f.Code, f.Text}
}

func (w *wireFault) fault() error {
	if w == nil {
		return nil
	}
	return &fault.Fault{Kind: w.Kind, Code: w.Code, Text: w.Text}
}

// maxAnswer bounds what crosses the socket, in bytes: the headers and shares
// of some thousand bids.
const maxAnswer = 512 << 20

// Serve offers a sealer on a Unix socket until the context ends. Who may use it
// is decided by the socket's folder and mode: its owner's group.
func Serve(ctx context.Context, path string, k Keeper) error {
	listener, err := listen(path)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	handle(mux, "/mint", func(ctx context.Context, r mintRequest) (mintAnswer, error) {
		recipient, wrapped, err := k.Mint(ctx, r.Authority, r.Tender, r.Lot, r.Envelope, r.Rehearsal)
		return mintAnswer{recipient, wrapped}, err
	})
	handle(mux, "/weigh", k.Weigh)
	handle(mux, "/release", func(ctx context.Context, r bids.Request) ([]oneReleased, error) {
		all, err := k.Release(ctx, r)
		out := make([]oneReleased, len(all))
		for i, one := range all {
			out[i] = oneReleased{one.FileKey, one.Falsity, wire(one.Err)}
		}
		return out, err
	})
	var lines sync.RWMutex // held by every line that is open
	mux.HandleFunc("POST /veil", func(w http.ResponseWriter, r *http.Request) {
		if lines.TryRLock() {
			defer lines.RUnlock()
			converse(ctx, w, k)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() {
		wait, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer stop()
		server.Shutdown(wait)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	lines.Lock()
	return nil
}

// listen takes the place of a socket that nobody serves any more, and refuses
// to take that of one still served.
func listen(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, errors.New("another sealer serves this socket")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return listener, os.Chmod(path, 0o660)
}

func handle[Q, A any](mux *http.ServeMux, path string, f func(context.Context, Q) (A, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var q Q
		var out struct {
			Answer A
			Fault  *wireFault `json:",omitempty"`
		}
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnswer)).Decode(&q)
		if err == nil {
			out.Answer, err = f(r.Context(), q)
		}
		out.Fault = wire(err)
		json.NewEncoder(w).Encode(out)
	})
}

// Remote is a sealer in another process.
type Remote struct {
	http *http.Client
	path string
	idle chan *line // to ask about the veil
}

// Dial reaches the sealer on a Unix socket. It may not be up yet: every call
// says so by a fault of the kind unavailable.
func Dial(path string) *Remote {
	return &Remote{path: path, idle: make(chan *line, 64), http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}}
}

// away says that there is nobody at the other end.
func away(err error) error {
	return fault.New(fault.Unavailable, "sealer-unavailable", "Il custode delle chiavi non risponde: si riproverà.",
		"The keeper of the keys does not answer: it will be tried again.").Because(err)
}

func ask[A any](ctx context.Context, r *Remote, path string, q any) (A, error) {
	var out struct {
		Answer A
		Fault  *wireFault
	}
	body, err := json.Marshal(q)
	if err != nil {
		return out.Answer, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sealer"+path, bytes.NewReader(body))
	if err != nil {
		return out.Answer, err
	}
	response, err := r.http.Do(request)
	if err != nil {
		return out.Answer, away(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&out); err != nil || response.StatusCode != http.StatusOK {
		return out.Answer, away(errors.New("an answer that is none"))
	}
	return out.Answer, out.Fault.fault()
}

// Mint makes a key pair.
func (r *Remote) Mint(ctx context.Context, authority, tender, lot, envelope string, rehearsal bool) (string, []byte, error) {
	a, err := ask[mintAnswer](ctx, r, "/mint", mintRequest{authority, tender, lot, envelope, rehearsal})
	return a.Recipient, a.Wrapped, err
}

// Weigh looks at a custodian's message.
func (r *Remote) Weigh(ctx context.Context, q bids.Request) ([]bids.Weight, error) {
	return ask[[]bids.Weight](ctx, r, "/weigh", q)
}

// Release gives file keys.
func (r *Remote) Release(ctx context.Context, q bids.Request) ([]bids.Released, error) {
	got, err := ask[[]oneReleased](ctx, r, "/release", q)
	if err != nil {
		return nil, err
	}
	if len(got) != len(q.Envelopes) {
		return nil, incomplete()
	}
	all := make([]bids.Released, len(got))
	for i, one := range got {
		all[i] = bids.Released{FileKey: one.FileKey, Falsity: one.Falsity, Err: one.Fault.fault()}
	}
	return all, nil
}

func incomplete() error {
	return fault.New(fault.Unavailable, "sealer-unavailable", "Il custode delle chiavi ha risposto in modo incompleto.", "The keeper of the keys gave an incomplete answer.")
}
