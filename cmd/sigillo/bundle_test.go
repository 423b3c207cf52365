package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/award"
)

// bundle fetches a bundle as the auditor.
func (s *site) bundle(query string) []byte {
	s.t.Helper()
	c, err := s.as(s.t.Context(), "auditor")
	s.ok(err)
	var b bytes.Buffer
	s.ok(c.Get(s.t.Context(), s.audit("bundle?"+query), &b))
	return b.Bytes()
}

// commandOn runs a command on a file.
func (s *site) commandOn(file []byte, args ...string) (int, string) {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "fascicolo.zip")
	s.ok(os.WriteFile(path, file, 0o600))
	out := &lockedBuffer{}
	code := run(s.t.Context(), append(append([]string{"--lang", "en"}, args...), path, "--key", s.publicKey()), out, out)
	return code, out.String()
}

// awarded takes lot 1 to the ranking and the award.
func (s *site) awarded() {
	s.t.Helper()
	s.opened()
	s.admitted()
	s.must("commissioner-1", "POST", s.lotPath(0, "open-technical"), nil, nil)
	s.score("supplier-legno", []string{"40", "10", "10"})
	s.score("supplier-arredi", []string{"20", "10", "9.5"})
	s.must("commissioner-1", "POST", s.lotPath(0, "lock-scores"), nil, nil)
	s.must("commissioner-1", "POST", s.lotPath(0, "open-economic"), nil, nil)
	s.must("commissioner-1", "POST", s.lotPath(0, "rank"), nil, nil)
	s.must("commissioner-1", "POST", s.lotPath(0, "propose-award"), map[string]string{"bid": s.bidOf["1supplier-legno"]}, nil)
	s.must("rup", "POST", s.lotPath(0, "verify-award"), map[string]any{"passed": true, "report": "requisiti verificati"}, nil)
	s.must("signatory", "POST", s.lotPath(0, "award"), map[string]string{"reason": "migliore offerta"}, nil)
	s.must("rup", "POST", s.lotPath(0, "notify-award"), nil, nil)
}

// TestABundleProvesItselfAndTheAwardIsComputedAgain: from its bytes alone, in
// two languages; for one checkpoint it is the same for ever.
func TestABundleProvesItselfAndTheAwardIsComputedAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		for who, discount := range map[string]string{"supplier-legno": "10.5", "supplier-arredi": "12"} {
			s.bid(who, 1, discount, "relazione con il canarino")
		}
		s.publishLog()
		sealed := s.bundle("")
		s.awarded()
		s.publishLog()
		file := s.bundle("tender=" + s.tender.ID)
		for name, b := range map[string][]byte{"sealed": sealed, "awarded": file} {
			if code, out := s.commandOn(b, "verify", "bundle"); code != 0 || !strings.Contains(out, "VERIFIED") {
				t.Fatal(name, code, out)
			}
			python, err := exec.LookPath("python3")
			if err != nil {
				t.Skip("SKIPPED: no python3 in the path: the verifier in the second language was not tried")
			}
			path := filepath.Join(t.TempDir(), "f.zip")
			s.ok(os.WriteFile(path, b, 0o600))
			if out, err := exec.Command(python, "-I", filepath.Join("..", "..", "audit", "bundle", "verify.py"), path, s.publicKey()).CombinedOutput(); err != nil || !strings.Contains(string(out), "\nVERIFICATO") {
				t.Fatal(name, err, string(out))
			}
		}
		// Before the opening: nothing of who bids.
		if text := unpacked(t, sealed); contains(text, "canarino") || contains(text, s.suppliers["supplier-legno"]) || contains(text, s.bidOf["1supplier-legno"]) || contains(text, "submit-bid") {
			t.Error("the bundle of a sealed tender tells of its bidders")
		}
		text := unpacked(t, file)
		if contains(text, "canarino") || !contains(text, "submit-bid", s.suppliers["supplier-legno"], "rank-bids") {
			t.Error("the bundle of an awarded tender does not tell what it should")
		}
		// The same again, whatever happened since.
		size := regexp.MustCompile(`(?m)^sigillo\n(\d+)\n`).FindStringSubmatch(text)
		s.must("auditor", "GET", s.audit("entries"), nil, nil)
		if again := s.bundle("tender=" + s.tender.ID + "&size=" + size[1]); !bytes.Equal(again, file) {
			t.Error("the same checkpoint gives other bytes")
		}
		s.no("no-checkpoint", "auditor", "GET", s.audit("bundle?size=9000000"), nil)
		s.no("bad-query", "auditor", "GET", s.audit("bundle?from=ieri"), nil)
		s.no("not-permitted", "rup", "GET", s.audit("bundle"), nil)

		code, out := s.commandOn(file, "recompute")
		if code != 0 || !contains(out, "RECOMPUTED: 7 acts", "technical 60", "no contract before") {
			t.Fatal(code, out)
		}
		s.falseFigures(file)
		// A flipped bit anywhere is found by both, and nothing is computed from it.
		for _, at := range []int{len(file) / 7, len(file) / 2, len(file) - 40} {
			bent := bytes.Clone(file)
			bent[at] ^= 4
			if code, out := s.commandOn(bent, "recompute"); code != 1 || contains(out, "RECOMPUTED") {
				t.Error(at, code, out)
			}
		}
	})
}

// falseFigures are named with what computing again gives.
func (s *site) falseFigures(file []byte) {
	s.t.Helper()
	for change, want := range map[[3]string]string{
		{"rank-bids", `"rank":1`, `"rank":2`}:                                     "/ranking/rows/0/rank 2 1",
		{"rank-bids", `"technical":"60"`, `"technical":"61"`}:                     `/ranking/rows/0/technical "61" "60"`,
		{"lock-scores", `"points":"40"`, `"points":"41"`}:                         `/scores/`,
		{"notify-award", `"kind":"winner"`, `"kind":"participant"`}:               `/notices/`,
		{"adopt-award", s.bidOf["1supplier-legno"] + `","reason"`, `x","reason"`}: "/decision/bid",
	} {
		again := award.NewRecount()
		s.ok(audit.ReadBundle(bytes.NewReader(file), int64(len(file)), func(e audit.BundleEntry) error {
			for i, x := range e.States {
				if e.Action == change[0] && x.Object.Type == "evaluation" {
					bent := bytes.Replace(x.Doc, []byte(change[1]), []byte(change[2]), 1)
					if bytes.Equal(bent, x.Doc) {
						s.t.Errorf("%s has no %s: %s", e.Action, change[1], x.Doc)
					}
					e.States[i].Doc = bent
				}
			}
			return again.Take(e)
		}))
		found := ""
		for _, a := range again.Acts {
			if string(a.Action) == change[0] {
				for _, d := range a.Differences {
					found += fmt.Sprintln(d.Pointer, string(d.Before), string(d.After))
				}
			}
		}
		if !strings.Contains(found, want) {
			s.t.Errorf("%v: found %q", change, found)
		}
	}
}

// TestAPeriodOfTheRegister: from the first act in it to the last.
func TestAPeriodOfTheRegister(t *testing.T) {
	s := newSiteHere(t)
	s.published()
	s.to(s.clock.Now().Add(24 * time.Hour))
	from := s.clock.Now()
	s.must("rup", "POST", s.tenderPath("/extend"), map[string]string{"deadline": local(s.reload().Timetable.Deadline.Add(24 * time.Hour)), "reason": "x"}, nil)
	s.to(from.Add(time.Hour))
	to := s.clock.Now()
	s.must("rup", "POST", s.tenderPath("/suspend"), map[string]string{"reason": "x"}, nil)
	s.publishLog()
	file := s.bundle(fmt.Sprintf("from=%s&to=%s", from.Format(time.RFC3339), to.Format(time.RFC3339)))
	if code, out := s.commandOn(file, "verify", "bundle"); code != 0 {
		t.Fatal(out)
	}
	var actions []string
	s.ok(audit.ReadBundle(bytes.NewReader(file), int64(len(file)), func(e audit.BundleEntry) error {
		actions = append(actions, e.Action)
		return nil
	}))
	if fmt.Sprint(actions) != "[extend-deadline]" {
		t.Error(actions)
	}
}

// unpacked is all text of a zip.
func unpacked(t *testing.T, file []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all.ReadFrom(r)
		r.Close()
	}
	return all.String()
}
