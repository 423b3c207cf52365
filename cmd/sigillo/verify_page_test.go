package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sigillo/audit"
	"sigillo/internal/store/storetest"
)

// inNode runs the page's own script on statements, one line of outcome each.
const inNode = `const { verifyReceipt } = require(process.argv[1]);
(async () => {
  for (const [text, key] of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    try {
      const { body, log } = await verifyReceipt(text, key);
      console.log("good " + body.number + " " + (log ? log.index + "/" + log.size : "alone"));
    } catch (e) {
      console.log("bad " + (e.code || e));
    }
  }
})();`

// TestTheVerifyPageFindsWhatTheCommandFinds: a second implementation, without
// any server, on true receipts and on every falsified one.
func TestTheVerifyPageFindsWhatTheCommandFinds(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		s.published()
		b := s.bid("supplier-legno", 2, "5", "perché → ✓ 𝄞")
		s.bid("supplier-legno", 2, "6", "y")
		s.must("supplier-legno", "POST", "/v1/bids/"+b.ID+"/withdraw", nil, nil)
		key := s.publicKey()
		_, other, err := audit.GenerateKey("sigillo.example/altro")
		s.ok(err)
		receipt := func(n int) audit.Statement {
			return s.statement("supplier-legno", fmt.Sprintf("/v1/bids/%s/receipts/%d", b.ID, n))
		}
		var names []string
		var tasks [][2]string
		add := func(name string, st audit.Statement, key string) {
			text, err := json.Marshal(st)
			s.ok(err)
			names, tasks = append(names, name), append(tasks, [2]string{string(text), key})
		}
		var proofs []*audit.Evidence
		for n := range 3 {
			st := receipt(n)
			proofs = append(proofs, st.Evidence)
			add("good", st, key)
		}
		add("by another log", receipt(2), other)
		add("under a broken key", receipt(2), key[:len(key)-3]+"AA=")
		for name, bend := range bentEvidence(proofs) {
			st := receipt(2)
			bend(&st)
			add("evidence "+name, st, key)
		}
		for what, from := range map[string]string{"hour": "T09:", "company": "Legnoscuola"} {
			st := receipt(2)
			st.Body = json.RawMessage(strings.Replace(string(st.Body), from, strings.Repeat("T", len(from)), 1))
			add("another "+what, st, key)
		}
		add("none", audit.Statement{}, key)
		page := s.verifyPage()
		script := filepath.Join(t.TempDir(), "verify.cjs")
		_, rest, _ := strings.Cut(page, "<script>")
		code, _, _ := strings.Cut(rest, "</script>")
		s.ok(os.WriteFile(script, []byte(code), 0o600))
		node, err := exec.LookPath("node")
		if err != nil {
			t.Skip("SKIPPED, THE PAGE THAT VERIFIES RECEIPTS IS NOT TESTED: install node 20 or later")
		}
		in, err := json.Marshal(tasks)
		s.ok(err)
		run := exec.CommandContext(t.Context(), node, "--no-warnings", "-e", inNode, script)
		run.Stdin = strings.NewReader(string(in))
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != len(names) {
			t.Fatalf("%d answers to %d: %s", len(lines), len(names), out)
		}
		for i, name := range names {
			verdict, more, _ := strings.Cut(lines[i], " ")
			if (verdict == "good") != (name == "good") || name == "good" && strings.HasSuffix(more, "alone") || strings.Contains(more, "Error") {
				t.Errorf("%s: %s", name, lines[i])
			}
		}
	})
}

func (s *site) verifyPage() string {
	s.t.Helper()
	r, err := http.Get(s.server.URL + "/verify")
	s.ok(err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	s.ok(err)
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; script-src 'sha256-") {
		s.t.Fatal(policy)
	}
	return string(text)
}

// TestTheVerifyPageWorksSavedAndWithoutAServer: in a real browser, from a file.
func TestTheVerifyPageWorksSavedAndWithoutAServer(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("SKIPPED, THE PAGE THAT VERIFIES RECEIPTS IS NOT TESTED IN A BROWSER: install chromium")
	}
	s := newSite(t, storetest.SQLite(t), t.TempDir())
	s.published()
	b := s.bid("supplier-legno", 2, "5", "x")
	folder := t.TempDir()
	page, receipt, bent := filepath.Join(folder, "verify.html"), filepath.Join(folder, "ricevuta.json"), filepath.Join(folder, "falsa.json")
	s.ok(os.WriteFile(page, []byte(s.verifyPage()), 0o600))
	text, err := json.Marshal(s.statement("supplier-legno", "/v1/bids/"+b.ID+"/receipts/1"))
	s.ok(err)
	s.ok(os.WriteFile(receipt, text, 0o600))
	s.ok(os.WriteFile(bent, []byte(strings.Replace(string(text), "Legnoscuola", "Legnoscuolo", 1)), 0o600))
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	ctx, stop = context.WithTimeout(ctx, time.Minute)
	defer stop()
	for file, want := range map[string]string{receipt: "VERIFICATA firma della piattaforma e posto nel registro corrispondono.", bent: "NON VERIFICATA"} {
		s.ok(chromedp.Do(ctx,
			chromedp.Navigate("file://"+page),
			chromedp.SetUploadFiles("#file", []string{file}),
			chromedp.SendKeys("#key", s.publicKey()),
			chromedp.SendKeys("#check", "\r"), // by keyboard: whoever uses no mouse can, too
		))
		var shown string
		for shown == "" {
			shown, err = chromedp.Run(ctx, chromedp.Evaluate[string]("document.getElementById('outcome').innerText"))
			s.ok(err)
		}
		if err != nil || !strings.HasPrefix(shown, want) {
			t.Errorf("%s: %v %q", filepath.Base(file), err, shown)
		}
		if shot := os.Getenv("SIGILLO_SCREENSHOT"); shot != "" {
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
			s.ok(err)
			s.ok(os.WriteFile(filepath.Join(shot, filepath.Base(file)+".png"), png, 0o600))
		}
	}
}
