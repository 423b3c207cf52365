package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// caller is who sent a request, and how; handlers turn it into an act.Call and
// pass that on as a parameter.
type caller struct {
	actor   act.Actor
	token   string
	lang    string
	request string // id, for the log and the person who reports a fault
	key     string
	version int
	arrived time.Time // by the platform's clock
	err     error     // why the caller could not be recognised
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// call is the act.Call for a request whose meaning is what.
func (c caller) call(action act.Action, what any) (act.Call, error) {
	call := act.Call{Actor: c.actor, Key: c.key, Version: c.version}
	if c.key != "" {
		text, err := json.Marshal(what)
		if err != nil {
			return call, err
		}
		sum := sha256.Sum256(append([]byte(string(action)+"\n"), text...))
		call.Request = hex.EncodeToString(sum[:])
	}
	return call, nil
}

// recognise finds out who calls, gives the request an id, catches panics and
// writes the access log. The log holds routes and not addresses: the ids in
// them would tell who has bid, and how often, before the opening.
func (a *API) recognise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		c := caller{lang: language(r.Header.Get("Accept-Language")), request: uuid.NewString(), arrived: a.clock().UTC().Truncate(time.Microsecond)}
		h := w.Header()
		h.Set("X-Request-Id", c.request)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		c.err = a.fill(r, &c)
		out := &counted{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler {
				panic(p) // the response was cut off on purpose
			}
			if p != nil {
				a.log.Error("panic", "request", c.request, "route", r.Pattern, "stack", string(debug.Stack()))
				if out.status == 0 {
					a.fail(out, c, fault.Hidden(fmt.Errorf("panic")))
				}
			}
			a.work.note(out.status, time.Since(began))
			a.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("id", c.request), slog.String("route", route(r.Pattern)), slog.Int("status", out.status), slog.Duration("took", time.Since(began)))
		}()
		if c.err != nil {
			a.fail(out, c, c.err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c)) // the mux notes the route in it
		next.ServeHTTP(out, r)
	})
}

// route hides which of a bidder's operations was called: counting submissions
// in a log would be counting bids.
func route(pattern string) string {
	if strings.Contains(pattern, "/bids") || strings.Contains(pattern, "/uploads") || strings.Contains(pattern, "/questions") {
		return "bidders"
	}
	return pattern
}

func (a *API) fill(r *http.Request, c *caller) error {
	if h := r.Header.Get("Authorization"); h != "" {
		token, ok := strings.CutPrefix(h, "Bearer ")
		if !ok {
			return fault.New(fault.Unauthenticated, "bad-token", "Usi un token Bearer.", "Use a Bearer token.")
		}
		c.token = token
	}
	var err error
	if c.actor, _, err = a.s.Identity.Authenticate(r.Context(), c.token); err != nil {
		return err
	}
	if c.key = r.Header.Get("Idempotency-Key"); len(c.key) > 100 || strings.ContainsFunc(c.key, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return fault.New(fault.Invalid, "bad-idempotency-key", "La Idempotency-Key ha al massimo 100 caratteri ASCII visibili.",
			"An Idempotency-Key has at most 100 visible ASCII characters.").At("header:Idempotency-Key", "malformed", fault.T("non valida", "invalid"))
	}
	if match := r.Header.Get("If-Match"); match != "" {
		if c.version, err = strconv.Atoi(strings.Trim(match, `"`)); err != nil || c.version < 1 {
			return fault.New(fault.Stale, "stale-version", "L'If-Match non è un ETag di questa risorsa.", "The If-Match is not an ETag of this resource.")
		}
	}
	return nil
}

// language chooses between Italian, the default, and English.
func language(accept string) string {
	for _, part := range strings.Split(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary {
		case "it":
			return "it"
		case "en":
			return "en"
		}
	}
	return "it"
}

// counted notes the status of a response.
type counted struct {
	http.ResponseWriter
	status int
}

func (c *counted) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
