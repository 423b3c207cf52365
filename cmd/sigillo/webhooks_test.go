package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sigillo/feed"
	"sigillo/internal/api"
	"sigillo/internal/webhook"
)

// receiver is somebody's server that is told.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	secret string
	now    func() time.Time
	mu     sync.Mutex
	ids    []string // of what it has taken, in order
	tried  []string // of every attempt
	bodies map[string][]byte
	answer func(n int, w http.ResponseWriter, r *http.Request) bool // true: taken
	busy   atomic.Int64
	most   atomic.Int64 // attempts at one time
}

func (s *site) receiver() *receiver {
	x := &receiver{t: s.t, now: s.clock.Now, bodies: map[string][]byte{}}
	x.server = httptest.NewServer(x)
	s.t.Cleanup(x.server.Close)
	return x
}

func (x *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := x.busy.Add(1)
	defer x.busy.Add(-1)
	for most := x.most.Load(); n > most && !x.most.CompareAndSwap(most, n); most = x.most.Load() {
	}
	body, _ := io.ReadAll(r.Body)
	x.mu.Lock()
	if err := verified(x.secret, r.Header, body, x.now()); err != nil {
		x.t.Error(err)
	}
	id := r.Header.Get("webhook-id")
	x.tried = append(x.tried, id)
	attempt, answer := len(x.tried), x.answer
	if before := x.bodies[id]; before != nil && !bytes.Equal(before, body) {
		x.t.Error("an attempt differs from the one before")
	}
	x.bodies[id] = body
	x.mu.Unlock()
	if answer != nil && !answer(attempt, w, r) {
		return
	}
	x.mu.Lock()
	x.ids = append(x.ids, id)
	x.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (x *receiver) taken() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.ids)
}

func (x *receiver) attempts() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.tried)
}

// verified is what a receiver does: the guide has the same lines.
func verified(secret string, h http.Header, body []byte, now time.Time) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) != 32 {
		return fmt.Errorf("the secret is %q", secret)
	}
	sent, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if age := now.Unix() - sent; err != nil || age < -300 || age > 300 {
		return fmt.Errorf("sent at %q", h.Get("webhook-timestamp"))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for one := range strings.FieldsSeq(h.Get("webhook-signature")) {
		if hmac.Equal([]byte(one), []byte(want)) {
			return nil
		}
	}
	return fmt.Errorf("no good signature: %s", h.Get("webhook-signature"))
}

func (s *site) subscribe(who string, x *receiver, more map[string]any) api.NewWebhook {
	s.t.Helper()
	wish := map[string]any{"address": x.server.URL + "/in"}
	for k, v := range more {
		wish[k] = v
	}
	var w api.NewWebhook
	s.must(who, "POST", "/v1/webhooks", wish, &w)
	x.secret = w.Secret
	return w
}

func (s *site) webhook(who, id string) api.WebhookView {
	s.t.Helper()
	var all struct{ Items []api.WebhookView }
	s.must(who, "GET", "/v1/webhooks", nil, &all)
	for _, w := range all.Items {
		if w.ID == id {
			return w
		}
	}
	s.t.Fatal("no such webhook")
	return api.WebhookView{}
}

func (s *site) deliver() int {
	s.t.Helper()
	n, err := s.p.feeds.Deliver(s.t.Context())
	s.ok(err)
	return n
}

// later moves the clock without ringing.
func (s *site) later(d time.Duration) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.base = s.clock.base.Add(d)
}

// extended makes so many public changes, and tells their ids.
func (s *site) extended(n int) []string {
	s.t.Helper()
	_, at := s.changesAfter("")
	for range n {
		s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.reload().Timetable.Deadline.Add(time.Hour)), "reason": "x"}, nil)
	}
	s.tellAll()
	more, _ := s.changesAfter(at)
	if len(more) != n {
		s.t.Fatal(len(more), "changes")
	}
	var ids []string
	for _, c := range more {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestWebhooksAreSignedInOrderAndOnlyOfWhatWasAskedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		all, some, late := s.receiver(), s.receiver(), s.receiver()
		mine := s.subscribe("drafter", all, nil)
		if mine.Authority != s.authority || mine.State != "active" || mine.Supplier != "" {
			t.Fatal(mine)
		}
		theirs := s.subscribe("supplier-legno", some, map[string]any{"kinds": []string{"tender.extended"}})
		if theirs.Supplier != s.suppliers["supplier-legno"] || theirs.Secret == mine.Secret {
			t.Fatal(theirs)
		}
		s.published()
		s.tellAll()
		_, cursor := s.changesAfter("")
		ids := append([]string{cursor}, s.extended(3)...)
		s.subscribe("administrator", late, map[string]any{"authority": s.authority, "after": ids[1]})
		if n := s.deliver(); n != 4+3+2 {
			t.Fatal(n, "delivered")
		}
		for x, want := range map[*receiver][]string{all: ids, some: ids[1:], late: ids[2:]} {
			if got := x.taken(); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		told, _ := s.changesAfter("")
		for _, c := range told {
			var m struct {
				Type      feed.Kind
				Timestamp time.Time
				Data      feed.Change
			}
			s.ok(json.Unmarshal(all.bodies[c.ID], &m))
			if m.Type != c.Kind || !m.Timestamp.Equal(c.At) || m.Data != c {
				t.Errorf("%s\nis not %+v", all.bodies[c.ID], c)
			}
		}
		if s.deliver() != 0 {
			t.Error("delivered twice")
		}
		if w := s.webhook("supplier-legno", theirs.ID); w.Delivered != 3 || w.Outcome != feed.Delivered || w.Attempts != 0 || w.DeliveredAt == nil || w.Status != http.StatusNoContent {
			t.Errorf("%+v", w)
		}

		// Whose it is: nobody else's, to see or to end.
		var none struct{ Items []api.WebhookView }
		s.must("supplier-arredi", "GET", "/v1/webhooks", nil, &none)
		if len(none.Items) != 0 {
			t.Error(none)
		}
		s.no("not-found", "supplier-arredi", "DELETE", "/v1/webhooks/"+theirs.ID, nil)
		s.no("not-found", "drafter", "DELETE", "/v1/webhooks/"+theirs.ID, nil)
		s.no("not-found", "supplier-legno", "GET", "/v1/webhooks?authority="+s.authority, nil)
		s.no("not-permitted", "supplier-legno", "POST", "/v1/webhooks", map[string]any{"address": "http://127.0.0.1/", "authority": s.authority})
		s.no("no-owner", "rup", "GET", "/v1/webhooks", nil)
		s.no("not-found", "rup", "GET", "/v1/webhooks?authority="+s.authority, nil)
		s.no("not-found", "administrator", "POST", "/v1/webhooks", map[string]any{"address": "http://127.0.0.1/", "authority": "none"})
		for code, wish := range map[string]map[string]any{"bad-address": {"address": "ftp://gare.example/"}, "unknown-cursor": {"address": "http://127.0.0.1/", "after": "x"},
			"bad-webhook": {"address": "http://127.0.0.1/", "kinds": []string{"bid.received"}}} {
			s.no(code, "drafter", "POST", "/v1/webhooks", wish)
		}
		s.must("supplier-legno", "DELETE", "/v1/webhooks/"+theirs.ID, nil, nil)
		s.no("already-ended", "supplier-legno", "DELETE", "/v1/webhooks/"+theirs.ID, nil)
		s.extended(1)
		if n := s.deliver(); n != 2 || len(some.taken()) != 3 {
			t.Error(n, some.taken())
		}
		if w := s.webhook("supplier-legno", theirs.ID); w.State != "unsubscribed" || w.EndedAt == nil {
			t.Errorf("%+v", w)
		}

		// Neither secrets nor addresses lie in the database, nor in the log.
		var held bytes.Buffer
		s.dump(&held)
		held.WriteString(s.log.String())
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(mine.Secret, "whsec_"))
		s.ok(err)
		for _, secret := range []string{mine.Secret, theirs.Secret, string(raw), base64.StdEncoding.EncodeToString(raw), fmt.Sprintf("%x", raw), some.server.URL, all.server.URL} {
			if strings.Contains(held.String(), secret) {
				t.Error("what is held has", secret)
			}
		}
		if !strings.Contains(held.String(), mine.ID) {
			t.Error("the search finds nothing")
		}
		for range 18 {
			s.subscribe("drafter", s.receiver(), nil)
		}
		s.no("too-many-webhooks", "drafter", "POST", "/v1/webhooks", map[string]any{"address": "http://127.0.0.1/"})
	})
}

func TestAReceiverThatFailsIsTriedAgainAndMissesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
		defer other.Close()
		x, good := s.receiver(), s.receiver()
		x.answer = func(n int, w http.ResponseWriter, r *http.Request) bool {
			switch n {
			case 1:
				w.WriteHeader(http.StatusInternalServerError)
			case 2:
				http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			case 3:
				panic(http.ErrAbortHandler)
			default:
				return true
			}
			return false
		}
		w := s.subscribe("drafter", x, nil)
		s.subscribe("supplier-legno", good, nil)
		s.published()
		s.tellAll()
		_, cursor := s.changesAfter("")
		ids := append([]string{cursor}, s.extended(2)...)
		var waits []time.Duration
		for i, want := range []feed.Outcome{feed.Refused, feed.Redirected, feed.Unreachable} {
			s.deliver()
			if got := s.webhook("drafter", w.ID); got.Outcome != want || got.Attempts != i+1 || got.State != "active" || got.FailingSince == nil || got.NextAttempt == nil || got.Delivered != 0 {
				t.Fatalf("%+v", got)
			}
			if s.deliver() != 0 || x.attempts() != i+1 {
				t.Fatal("tried again at once")
			}
			wait := s.webhook("drafter", w.ID).NextAttempt.Sub(s.clock.Now())
			waits = append(waits, wait)
			s.later(wait - time.Millisecond)
			if s.deliver(); x.attempts() != i+1 {
				t.Fatal("tried again too early")
			}
			s.later(time.Millisecond)
		}
		for i, wait := range waits { // 5, 10, 20 seconds, less up to a half
			if most := 5 * time.Second << i; wait > most || wait < most/2 {
				t.Error("waited", waits)
			}
		}
		s.deliver()
		if got := x.taken(); !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
		if got := good.taken(); !slices.Equal(got, ids) || good.attempts() != len(ids) {
			t.Errorf("the other got %v", got)
		}
		if !slices.Equal(x.tried[:4], []string{ids[0], ids[0], ids[0], ids[0]}) {
			t.Error("tried", x.tried)
		}
		if got := s.webhook("drafter", w.ID); got.Attempts != 0 || got.FailingSince != nil || got.NextAttempt != nil || got.Delivered != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAfterThreeDaysOrWhenItIsGoneAWebhookIsGivenUpAndItIsSaid(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		dead, gone := s.receiver(), s.receiver()
		dead.answer = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusBadGateway)
			return false
		}
		gone.answer = func(_ int, w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusGone); return false }
		d, g := s.subscribe("drafter", dead, nil), s.subscribe("drafter", gone, nil)
		s.published()
		s.tellAll()
		s.deliver()
		if w := s.webhook("drafter", g.ID); w.State != "gone" || w.EndedAt == nil || w.Outcome != feed.Gone || w.Status != http.StatusGone || w.NextAttempt != nil {
			t.Fatalf("%+v", w)
		}
		since := *s.webhook("drafter", d.ID).FailingSince
		for {
			w := s.webhook("drafter", d.ID)
			if w.State != "active" {
				break
			}
			if s.clock.Now().Sub(since) >= 72*time.Hour {
				t.Fatalf("not given up after three days: %+v", w)
			}
			s.later(w.NextAttempt.Sub(s.clock.Now()))
			s.deliver()
		}
		w := s.webhook("drafter", d.ID)
		if w.State != "exhausted" || w.EndedAt.Sub(since) != 72*time.Hour || w.Attempts < 15 || w.Attempts > 60 || w.Attempts != dead.attempts() {
			t.Errorf("%+v after %s", w, w.EndedAt.Sub(since))
		}
		s.later(24 * time.Hour)
		if s.deliver(); dead.attempts() != w.Attempts || gone.attempts() != 1 {
			t.Error("tried after it was given up")
		}
		var ends []string
		for _, e := range s.entries() {
			if e["action"] == "give-up-webhook" {
				ends = append(ends, fmt.Sprint(e["actor"].(map[string]any)["id"], " ", e["data"].(map[string]any)["end"]))
			}
		}
		if !slices.Equal(ends, []string{"clock gone", "clock exhausted"}) {
			t.Error("the register has", ends)
		}
	})
}

// TestASenderThatDiesLosesNothing: the worst it can do is to die after the
// receiver has answered and before that is noted.
func TestASenderThatDiesLosesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		x, other := s.receiver(), s.receiver()
		w := s.subscribe("drafter", x, nil)
		s.published()
		s.tellAll()
		p, err := s.p.store.Claim(t.Context(), time.Minute)
		s.ok(err)
		body, err := feed.Body(p.Change)
		s.ok(err)
		if got, _ := webhook.New(true, nil).Send(t.Context(), feed.Message{Address: p.Webhook.Address, ID: p.Change.ID, At: s.clock.Now(), Secret: p.Webhook.Secret, Body: body}); got != feed.Delivered {
			t.Fatal(got)
		}
		// It is dead. While its claim lasts nobody sends there, and others do not wait.
		ids := append([]string{p.Change.ID}, s.extended(2)...)
		s.subscribe("supplier-legno", other, map[string]any{"after": ids[1]})
		if n := s.deliver(); n != 1 || x.attempts() != 1 || !slices.Equal(other.taken(), ids[2:]) {
			t.Fatal(n, x.attempts(), other.taken())
		}
		s.later(time.Minute)
		if n := s.deliver(); n != 3 {
			t.Fatal(n, "delivered")
		}
		if want := append([]string{ids[0]}, ids...); !slices.Equal(x.taken(), want) {
			t.Errorf("got %v, want %v", x.taken(), want)
		}
		// Were it not dead but slow, what it notes now would be of the past.
		p.Course.Attempts, p.Course.Outcome = 9, feed.Refused
		s.ok(s.p.store.Settle(t.Context(), p))
		if got := s.webhook("drafter", w.ID); got.Attempts != 0 || got.Delivered != 3 || s.deliver() != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// TestASenderAskedToEndFinishesOneAttempt and makes no other.
func TestASenderAskedToEndFinishesOneAttempt(t *testing.T) {
	s := newSiteHere(t)
	x := s.receiver()
	ctx, stop := context.WithCancel(t.Context())
	x.answer = func(int, http.ResponseWriter, *http.Request) bool { stop(); return true }
	s.subscribe("drafter", x, nil)
	s.published()
	s.tellAll()
	s.extended(2)
	if n, err := s.p.feeds.Deliver(ctx); n != 1 || err != nil || x.attempts() != 1 {
		t.Fatal(n, err, x.attempts())
	}
	if n := s.deliver(); n != 2 || x.attempts() != 3 {
		t.Fatal(n, x.attempts())
	}
}

// TestReplicasDoNotDouble: many senders, many changes, one receiver.
func TestReplicasDoNotDouble(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		x, y := s.receiver(), s.receiver()
		slow := func(int, http.ResponseWriter, *http.Request) bool { time.Sleep(5 * time.Millisecond); return true }
		x.answer, y.answer = slow, slow
		s.subscribe("drafter", x, nil)
		s.subscribe("supplier-legno", y, nil)
		s.published()
		s.tellAll()
		_, cursor := s.changesAfter("")
		ids := append([]string{cursor}, s.extended(12)...)
		var wg sync.WaitGroup
		var all atomic.Int64
		for range 8 {
			wg.Go(func() {
				for range 40 {
					n, err := s.p.feeds.Deliver(t.Context())
					if err != nil {
						t.Error(err)
					}
					all.Add(int64(n))
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Wait()
		for _, r := range []*receiver{x, y} {
			if got := r.taken(); !slices.Equal(got, ids) || r.most.Load() != 1 {
				t.Errorf("got %d of %d, at most %d at a time", len(got), len(ids), r.most.Load())
			}
		}
		if all.Load() != int64(2*len(ids)) {
			t.Error(all.Load(), "delivered")
		}
	})
}
