package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigillo/audit"
)

// stranger reads the published log over HTTP, with no sign-in and no software of
// ours.
type stranger struct {
	t    *testing.T
	base string
}

func (x stranger) get(path string) (*http.Response, []byte) {
	x.t.Helper()
	r, err := http.Get(x.base + path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return r, body
}

func (x stranger) Height() int                     { return 8 }
func (x stranger) SaveTiles([]tlog.Tile, [][]byte) {}
func (x stranger) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		// C2SP leaves out the height, which is always 8.
		r, body := x.get("/log/" + strings.Replace(t.Path(), "tile/8/", "tile/", 1))
		if r.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", t.Path(), r.Status)
		}
		all = append(all, body)
	}
	return all, nil
}

// publishLog publishes all there is now, however long other tests have older
// transactions under way.
func (s *site) publishLog() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		_, err := s.p.register.Integrate(s.t.Context())
		s.ok(err)
		if left := column(s.t, s.dsn, "SELECT (SELECT count(*) FROM audit_entry) - (SELECT count(*) FROM audit_leaf)"); left[0] == "0" {
			break
		}
		if time.Now().After(end) {
			s.t.Fatal("some transaction in the cluster lasts a minute")
		}
	}
	_, err := s.p.register.Publish(s.t.Context())
	s.ok(err)
}

func TestTheLogLiesOpenToEverybodyAndSaysNothingButHashes(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		x := stranger{t, s.server.URL}
		if r, _ := x.get("/log/checkpoint"); r.StatusCode != http.StatusNotFound {
			t.Fatal("before the first checkpoint:", r.Status)
		}
		s.published()
		s.publishLog()
		r, text := x.get("/log/checkpoint")
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || r.Header.Get("Cache-Control") != "public, max-age=1" {
			t.Fatal(r.Status, r.Header)
		}
		var key struct{ Key string }
		s.ok(s.api.Do(t.Context(), "GET", "/v1/log-key", nil, &key))
		verifier, err := note.NewVerifier(key.Key)
		s.ok(err)
		c, err := audit.OpenCheckpoint(string(text), note.VerifierList(verifier))
		s.ok(err)
		if c.Origin != verifier.Name() || c.Size == 0 || c.Size > 255 {
			t.Fatal(c)
		}
		path := fmt.Sprintf("/log/tile/0/000.p/%d", c.Size)
		r, tile := x.get(path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") ||
			len(tile) != int(c.Size)*sha256.Size {
			t.Fatal(r.Status, r.Header, len(tile))
		}
		for _, path := range []string{"/log/tile/0/000", "/log/tile/0/001", "/log/tile/0/000.p/256", "/log/tile/entries/000", "/log/tile/data/000", "/log/tile/0/..%2f..%2fpapers",
			"/log/tile/0/../checkpoint", "/log/checkpoints/1", "/log/"} {
			if r, body := x.get(path); r.StatusCode != http.StatusNotFound || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s %s %s", path, r.Status, r.Header.Get("Cache-Control"), body)
			}
		}

		// Every leaf of the auditor's export is in the published tree.
		tree := tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)}
		at := map[string]int64{}
		for i := range tree.N {
			at[base64.StdEncoding.EncodeToString(tile[i*sha256.Size:(i+1)*sha256.Size])] = i
		}
		found := 0
		for _, leaf := range s.leaves() {
			index, ok := at[leaf]
			if !ok {
				continue // written since, as the reading itself
			}
			p, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, x))
			s.ok(err)
			s.ok(tlog.CheckRecord(p, tree.N, tree.Hash, index, tlog.Hash(tile[index*sha256.Size:])))
			found++
		}
		if found < 5 {
			t.Fatal(found, "leaves of the export are in the log")
		}

		// What was published goes on to be the beginning.
		s.bid("supplier-legno", 2, "5", "x")
		s.publishLog()
		_, text = x.get("/log/checkpoint")
		more, err := audit.OpenCheckpoint(string(text), note.VerifierList(verifier))
		s.ok(err)
		if more.Size <= c.Size {
			t.Fatal("the log does not grow")
		}
		now := tlog.Tree{N: int64(more.Size), Hash: tlog.Hash(more.Root)}
		p, err := tlog.ProveTree(now.N, tree.N, tlog.TileHashReader(now, x))
		s.ok(err)
		s.ok(tlog.CheckTree(p, now.N, now.Hash, tree.N, tree.Hash))
	})
}

// leaves are those of the auditor's export.
func (s *site) leaves() []string {
	s.t.Helper()
	c, err := s.as(s.t.Context(), "auditor")
	s.ok(err)
	var b strings.Builder
	s.ok(c.Get(s.t.Context(), "/v1/authorities/"+s.authority+"/audit", &b))
	var all []string
	for line := range strings.Lines(b.String()) {
		var entry struct{ Leaf string }
		s.ok(json.Unmarshal([]byte(line), &entry))
		if entry.Leaf != "" {
			all = append(all, entry.Leaf)
		}
	}
	return all
}

// TestAnExportIsNoCheckpointOfTheLog: both are signed with one key. Under one
// origin, an export would prove to any monitor that the log was forked.
func TestAnExportIsNoCheckpointOfTheLog(t *testing.T) {
	s := newSiteHere(t)
	s.publishLog()
	c, err := s.as(t.Context(), "auditor")
	s.ok(err)
	var b strings.Builder
	s.ok(c.Get(t.Context(), "/v1/authorities/"+s.authority+"/audit", &b))
	_, text := stranger{t, s.server.URL}.get("/log/checkpoint")
	origin, _, _ := strings.Cut(string(text), "\n")
	if origin == "" || strings.Contains(b.String(), `"checkpoint":"`+origin+`\n`) || !strings.Contains(b.String(), `"checkpoint":"`+origin+`/export\n`) {
		t.Fatal(b.String())
	}
}

func TestServingKeepsTheLogUp(t *testing.T) {
	s := newSiteHere(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.ok(err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.p.serve(ctx, listener) }()
	x := stranger{t, "http://" + listener.Addr().String()}
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if r, _ := x.get("/log/checkpoint"); r.StatusCode == http.StatusOK {
			break
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatal("nothing is published")
		}
	}
	if lag, err := s.p.store.Lag(t.Context()); err != nil || lag != 0 {
		t.Fatal(lag, err)
	}
	stop()
	s.ok(<-served)
}
