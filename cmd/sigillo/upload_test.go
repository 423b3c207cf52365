package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/tender"
)

// large seals an envelope whose only document has so many bytes.
func (s *site) large(who string, lot int, kind tender.Envelope, size int) string {
	s.t.Helper()
	folder := s.t.TempDir()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * 7)
	}
	path := filepath.Join(folder, "relazione.bin")
	s.ok(os.WriteFile(path, body, 0o600))
	e := envelope{tender: s.tender, lot: lot, kind: kind, supplier: s.suppliers[who], files: []file{{"other", path}}}
	out := filepath.Join(folder, "envelope.age")
	_, err := e.seal(out)
	s.ok(err)
	return out
}

func TestAT024AFlakyLinkEndsWithTheRightDigest(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		path := s.large("supplier-legno", 2, tender.Administrative, 40<<20)
		c, b := s.bidder("supplier-legno", 2)
		link := &breaking{base: http.DefaultTransport}
		link.left.Store(30)
		c.HTTP = &http.Client{Transport: link}
		u, err := measured(path)
		s.ok(err)
		u.Bid, u.Envelope, u.Patience = b.ID, "A", time.Millisecond
		var last client.Progress
		u.Tell = func(p client.Progress) { last = p }
		f, err := os.Open(path)
		s.ok(err)
		defer f.Close()
		s.ok(u.Do(t.Context(), c, f, b))
		if link.left.Load() >= 0 {
			t.Fatal("the link did not break often enough")
		}
		if len(b.Uploads) != 1 || b.Uploads[0].SHA256 != u.Digest || b.Uploads[0].Size != u.Size || last.Broken == 0 || last.Sent != u.Size {
			t.Fatalf("%+v %+v", b.Uploads, last)
		}
		r, n, err := s.p.vault.Open(t.Context(), docs.AreaSealed, u.Digest)
		s.ok(err)
		defer r.Close()
		sum := docs.NewPartsHash()
		if _, err := io.Copy(sum, r); err != nil || n != u.Size || sum.Digest() != u.Digest {
			t.Fatal("other bytes are stored", err)
		}
	})
}

// killing is a file whose reader is killed at an offset.
type killing struct {
	io.ReaderAt
	at   int64
	kill func()
}

func (k *killing) ReadAt(p []byte, off int64) (int, error) {
	if off >= k.at {
		k.kill()
		return 0, errors.New("killed")
	}
	return k.ReaderAt.ReadAt(p, off)
}

// TestAnUploadGoesOnWhereItStopped: the program is killed, and run again later.
func TestAnUploadGoesOnWhereItStopped(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		path := s.large("supplier-legno", 2, tender.Administrative, 40<<20)
		c, b := s.bidder("supplier-legno", 2)
		run := func(ctx context.Context, through func(io.ReaderAt) io.ReaderAt) (*client.Upload, int64, error) {
			u, err := measured(path)
			s.ok(err)
			first := int64(-1)
			u.Bid, u.Envelope, u.Workers, u.Tell = b.ID, "A", 1, func(p client.Progress) {
				if first < 0 {
					first = p.Sent
				}
			}
			f, err := os.Open(path)
			s.ok(err)
			defer f.Close()
			err = u.Do(ctx, c, through(f), b)
			return u, first, err
		}
		ctx, kill := context.WithCancel(t.Context())
		if _, _, err := run(ctx, func(f io.ReaderAt) io.ReaderAt { return &killing{f, 20 << 20, kill} }); err == nil {
			t.Fatal("it was not stopped")
		}
		u, first, err := run(t.Context(), func(f io.ReaderAt) io.ReaderAt { return f })
		s.ok(err)
		if first < docs.PartSize {
			t.Fatalf("it began from %d bytes", first)
		}
		if n := s.count(act.BeginUpload); n != 0 { // not to be counted before the opening
			t.Fatalf("%d uploads can be counted", n)
		}
		if b.Uploads[0].SHA256 != u.Digest {
			t.Fatal("another file")
		}
	})
}

func TestINC22APartThatIsNoEnvelopeIsRefusedAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		c, b := s.bidder("supplier-legno", 2)
		plain := bytes.Repeat([]byte("CANARY in chiaro "), 1<<18)
		u := &client.Upload{Bid: b.ID, Envelope: "A", Size: int64(len(plain))}
		var err error
		u.Parts, u.Digest, err = client.Measure(bytes.NewReader(plain), u.Size)
		s.ok(err)
		if f := fault.Of(u.Do(t.Context(), c, bytes.NewReader(plain), b)); f == nil || f.Code != "not-sealed" {
			t.Fatalf("got %v", f)
		}
		foreign := s.large("supplier-legno", 1, tender.Administrative, 1000)
		u, err = measured(foreign)
		s.ok(err)
		u.Bid, u.Envelope = b.ID, "A"
		f, err := os.Open(foreign)
		s.ok(err)
		defer f.Close()
		if f := fault.Of(u.Do(t.Context(), c, f, b)); f == nil || f.Code != "foreign-envelope" {
			t.Fatalf("INC-02, an envelope of another lot: got %v", f)
		}
		var now bidState
		s.must("supplier-legno", "GET", "/v1/bids/"+b.ID, nil, &now)
		if len(now.Uploads) > 0 {
			t.Fatal("it is noted all the same")
		}
	})
}

func (s *site) statement(who, path string) audit.Statement {
	s.t.Helper()
	c, err := s.as(s.t.Context(), who)
	s.ok(err)
	var b bytes.Buffer
	s.ok(c.Get(s.t.Context(), path, &b))
	st, err := audit.ParseStatement(b.Bytes())
	s.ok(err)
	return st
}

func (s *site) publicKey() string {
	s.t.Helper()
	var key struct{ Key string }
	s.ok(s.api.Do(s.t.Context(), "GET", "/v1/log-key", nil, &key))
	return key.Key
}

// bentEvidence are ways to falsify the evidence of a second sending, given the
// evidence of the withdrawal and of both sendings.
func bentEvidence(proofs []*audit.Evidence) map[string]func(*audit.Statement) {
	return map[string]func(*audit.Statement){
		"of another sending": func(st *audit.Statement) { st.Evidence = proofs[1] },
		"of the withdrawal":  func(st *audit.Statement) { st.Evidence = proofs[0] },
		"with another salt":  func(st *audit.Statement) { st.Evidence.Salt[0] ^= 1 },
		"at another place": func(st *audit.Statement) {
			st.Evidence.Proof = regexp.MustCompile(`index \d+`).ReplaceAllString(st.Evidence.Proof, "index 0")
		},
		"with another time": func(st *audit.Statement) {
			st.Evidence.Entry = bytes.Replace(st.Evidence.Entry, []byte("T09:"), []byte("T08:"), 1)
		},
		"under a root nobody signed": func(st *audit.Statement) {
			lines := strings.Split(st.Evidence.Proof, "\n")
			for i, l := range lines {
				if n, err := strconv.Atoi(l); err == nil { // the size
					lines[i] = strconv.Itoa(n + 1)
				}
			}
			st.Evidence.Proof = strings.Join(lines, "\n")
		},
	}
}

func TestReceiptsVerifyOffline(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		b := s.bid("supplier-legno", 2, "5", "x")
		s.bid("supplier-legno", 2, "6", "y")
		s.must("supplier-legno", "POST", "/v1/bids/"+b.ID+"/withdraw", nil, nil)
		folder := t.TempDir()
		key := s.publicKey()
		verify := func(path string, more ...string) (int, string) {
			var out bytes.Buffer
			code := run(t.Context(), append([]string{"--lang", "en", "verify", "receipt", path, "--key", key}, more...), &out, &out)
			return code, out.String()
		}
		var proofs []*audit.Evidence
		for n, want := range []string{"withdrawal-receipt", "bid-receipt", "bid-receipt"} {
			st := s.statement("supplier-legno", fmt.Sprintf("/v1/bids/%s/receipts/%d", b.ID, n))
			text, err := json.Marshal(st)
			s.ok(err)
			path := filepath.Join(folder, fmt.Sprint(n, ".json"))
			s.ok(os.WriteFile(path, text, 0o600))
			if code, out := verify(path); code != 0 || st.Kind != want || !strings.Contains(out, "VERIFIED") || !strings.Contains(out, "root ") || !strings.Contains(out, "Legnoscuola") {
				t.Fatalf("%d: %s", code, out)
			}
			s.ok(os.WriteFile(path, bytes.Replace(text, []byte("T09:"), []byte("T08:"), 1), 0o600))
			if code, out := verify(path); code != 1 {
				t.Fatalf("another hour is not found: %s", out)
			}
			proofs = append(proofs, st.Evidence)
		}
		for name, bend := range bentEvidence(proofs) {
			st := s.statement("supplier-legno", fmt.Sprintf("/v1/bids/%s/receipts/2", b.ID))
			if st.Evidence == nil {
				t.Fatal("no evidence")
			}
			bend(&st)
			text, err := json.Marshal(st)
			s.ok(err)
			path := filepath.Join(folder, "bent.json")
			s.ok(os.WriteFile(path, text, 0o600))
			if code, out := verify(path); code != 1 {
				t.Errorf("evidence %s passes: %s", name, out)
			}
		}
		c, err := s.as(t.Context(), "supplier-legno")
		s.ok(err)
		saved, err := (submission{api: c, out: nowhere{}, lang: "en"}).keepReceipt(t.Context(), b.ID, 2, folder)
		s.ok(err)
		file := s.seal("supplier-legno", "another", 2, s.tender.Lots[1].Envelopes[0], "1", "z")
		if code, out := verify(saved, "--envelope", "A="+file); code != 1 || !strings.Contains(out, "is not the envelope") {
			t.Fatalf("%d %s", code, out)
		}
		paper, err := os.ReadFile(strings.TrimSuffix(saved, ".json") + ".pdf")
		if err != nil || !bytes.HasPrefix(paper, []byte("%PDF-")) {
			t.Fatal("no receipt on paper", err)
		}
		s.no("not-found", "supplier-arredi", "GET", "/v1/bids/"+b.ID+"/receipts/1", nil)
		s.no("not-found", "rup", "GET", "/v1/bids/"+b.ID+"/receipts/1", nil)
		s.no("not-found", "supplier-legno", "GET", "/v1/bids/"+b.ID+"/receipts/3", nil)
	})
}

// TestAT015 begins two hours early and ends 76 seconds late.
func TestAT015INC10ALateBidThatBeganInTimeIsParked(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-arredi", 2, "7", "x")
		s.bidder("supplier-arredi", 1)
		files := map[string]string{}
		for _, spec := range s.tender.Lots[1].Envelopes {
			files[string(spec.Envelope)] = s.seal("supplier-legno", "late", 2, spec, "9", "y")
		}
		c, b := s.bidder("supplier-legno", 2)
		begin := func(e string) (string, *client.Upload) {
			u, err := measured(files[e])
			s.ok(err)
			var t struct{ ID string }
			s.ok(c.Do(s.t.Context(), "POST", "/v1/bids/"+b.ID+"/uploads", map[string]any{"envelope": e, "digest": u.Digest.String(), "size": u.Size}, &t))
			u.Bid, u.Envelope = b.ID, e
			return t.ID, u
		}
		s.to(s.deadline().Add(-2 * time.Hour))
		c, b = s.bidder("supplier-legno", 2)
		_, ua := begin("A")
		_, uc := begin("C")
		s.to(s.deadline().Add(76 * time.Second))
		if s.reload(); s.tender.Lots[1].State != tender.Closed {
			t.Fatal("the lot is not closed")
		}
		c, b = s.bidder("supplier-legno", 2)
		for e, u := range map[string]*client.Upload{"A": ua, "C": uc} {
			f, err := os.Open(files[e])
			s.ok(err)
			s.ok(u.Do(t.Context(), c, f, b))
			f.Close()
		}
		manifest := map[string]any{"manifest": []claim{{"A", ua.Digest.String()}, {"C", uc.Digest.String()}}}
		f := s.no("deadline-passed", "supplier-legno", "POST", "/v1/bids/"+b.ID+"/submit", manifest)
		if !strings.Contains(f.Text.EN, "contested") {
			t.Fatalf("the bidder is not told: %s", f.Text.EN)
		}
		// Who began too late has nothing to contest.
		late, _ := s.bidder("supplier-arredi", 1)
		if f := fault.Of(late.Do(t.Context(), "POST", "/v1/bids/"+s.bidOf["1supplier-arredi"]+"/uploads", map[string]any{"envelope": "A", "digest": ua.Digest.String(), "size": ua.Size}, nil)); f == nil {
			t.Fatal("an upload begins after the deadline")
		}
		var some struct {
			Items []struct {
				ID     string
				LateBy string `json:"late_by"`
			}
		}
		raw := new(json.RawMessage)
		s.must("signatory", "GET", s.lotPath(1, "contested"), nil, raw)
		s.ok(json.Unmarshal(*raw, &some))
		if len(some.Items) != 1 || some.Items[0].LateBy != "1m16s" {
			t.Fatalf("%s", *raw)
		}
		for _, secret := range []string{b.ID, s.suppliers["supplier-legno"], ua.Digest.String()} {
			if strings.Contains(string(*raw), secret) {
				t.Fatal("it tells whose it is")
			}
		}
		s.no("not-found", "supplier-arredi", "GET", "/v1/bids/"+b.ID+"/dossier", nil)
		st := s.statement("supplier-legno", "/v1/bids/"+b.ID+"/dossier")
		var d bids.Dossier
		s.ok(json.Unmarshal(st.Body, &d))
		if len(d.Uploads) != 2 || len(d.Uploads[0].Parts) != 1 || d.Uploads[0].BegunAt.After(s.deadline()) || len(d.Late) != 1 || d.Late[0].By != 76_000_000 || len(d.Messages) == 0 {
			t.Fatalf("the dossier does not tell it: %s", st.Body)
		}
		decide := s.lotPath(1, "contested/"+some.Items[0].ID+"/decide")
		s.no("not-permitted", "rup", "POST", decide, map[string]any{"admit": true, "reason": "x"})
		s.no("bad-reason", "signatory", "POST", decide, map[string]any{"admit": true, "reason": ""})
		s.must("signatory", "POST", decide, map[string]any{"admit": true, "reason": "Rallentamento accertato della piattaforma."}, nil)
		s.no("already-decided", "signatory", "POST", decide, map[string]any{"admit": false, "reason": "x"})
		s.opened()
		if n := len(s.openedBids(1)); n != 2 {
			t.Fatalf("%d bids are open", n)
		}
	})
}

func (s *site) openedBids(lot int) []string {
	s.t.Helper()
	var all struct {
		Items []struct {
			Lot  string
			Bids []struct{ Bid, Fault string }
		}
	}
	s.must("auditor", "GET", s.tenderPath("/openings"), nil, &all)
	var ids []string
	for _, o := range all.Items {
		for _, b := range o.Bids {
			if o.Lot == s.tender.Lots[lot].ID && b.Fault == "" {
				ids = append(ids, b.Bid)
			}
		}
	}
	return ids
}

func TestAT015AnUndecidedLateBidStaysSealed(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		s.bid("supplier-arredi", 2, "7", "x")
		c, b := s.bidder("supplier-legno", 2)
		var manifest []claim
		for _, spec := range s.tender.Lots[1].Envelopes {
			path := s.seal("supplier-legno", "late", 2, spec, "9", "y")
			body, err := os.ReadFile(path)
			s.ok(err)
			s.ok(s.put("supplier-legno", b.ID, string(spec.Envelope), body, sha256.Sum256(body), int64(len(body))))
			manifest = append(manifest, claim{string(spec.Envelope), fmt.Sprintf("%x", sha256.Sum256(body))})
		}
		s.to(s.deadline().Add(8 * time.Second)) // INC-11
		c, _ = s.bidder("supplier-legno", 2)
		if f := fault.Of(c.Do(t.Context(), "POST", "/v1/bids/"+b.ID+"/submit", map[string]any{"manifest": manifest}, nil)); f == nil || f.Code != "deadline-passed" {
			t.Fatalf("got %v", f)
		}
		s.to(s.tender.Timetable.OpensAt)
		s.reload()
		if n := len(s.openedBids(1)); n != 1 {
			t.Fatalf("%d bids are open", n)
		}
	})
}

func TestAbandonedUploadsAreCollected(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		path := s.large("supplier-legno", 2, tender.Administrative, 17<<20)
		c, b := s.bidder("supplier-legno", 2)
		u, err := measured(path)
		s.ok(err)
		var begun struct{ ID string }
		s.ok(c.Do(t.Context(), "POST", "/v1/bids/"+b.ID+"/uploads", map[string]any{"envelope": "A", "digest": u.Digest.String(), "size": u.Size}, &begun))
		s.ok(s.p.bids.Collect(t.Context(), s.clock.Now().Add(6*24*time.Hour)))
		s.must("supplier-legno", "GET", "/v1/uploads/"+begun.ID, nil, nil)
		s.ok(s.p.bids.Collect(t.Context(), s.clock.Now().Add(8*24*time.Hour)))
		s.no("upload-ended", "supplier-legno", "POST", "/v1/uploads/"+begun.ID+"/parts/1/stored", nil)
		stale, err := s.p.store.AbandonedTransfers(t.Context(), s.clock.Now().Add(9*24*time.Hour))
		if err != nil || len(stale) > 0 {
			t.Fatal(stale, err)
		}
	})
}
