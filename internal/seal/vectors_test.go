package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"filippo.io/age"
)

const vectorsFile = "../../guide/formats/test-vectors.json"

// vectors is what another implementation is tried on.
type vectors struct {
	Format string     `json:"format"`
	Shares []dealing  `json:"shares"`
	Files  []sample   `json:"files"`
	Padme  [][2]int64 `json:"padme"`
}

// dealing is section 4 with all its values, in hexadecimal.
type dealing struct {
	Label       Label    `json:"label"`
	FileKey     string   `json:"file_key"`
	Threshold   int      `json:"threshold"`
	Custodians  int      `json:"custodians"`
	Platform    string   `json:"platform_part"`
	Authority   string   `json:"authority_part"`
	Shares      []string `json:"shares"`
	Commitments []string `json:"commitments"` // the platform's first
}

// sample is an envelope with the private keys that open it.
type sample struct {
	Label      Label             `json:"label"`
	Policy     Policy            `json:"policy"`
	Platform   string            `json:"platform_key"`
	Custodians []string          `json:"custodian_keys"`
	FileKey    string            `json:"file_key"`
	Contents   Contents          `json:"contents"`
	Documents  map[string]string `json:"documents"` // base64 by name
	Envelope   string            `json:"envelope"`  // base64
}

func dealingOf(l Label, key part, k, n int) dealing {
	d := deal(key, l.context(), k, n)
	secret := xor(xor(key, d.shares[0]), binding(l.context()))
	out := dealing{Label: l, FileKey: hex.EncodeToString(key[:]), Threshold: k, Custodians: n,
		Platform: hex.EncodeToString(d.shares[0][:]), Authority: hex.EncodeToString(secret[:])}
	for _, s := range d.shares[1:] {
		out.Shares = append(out.Shares, hex.EncodeToString(s[:]))
	}
	for _, c := range d.commitments {
		out.Commitments = append(out.Commitments, hex.EncodeToString(c[:]))
	}
	return out
}

// TestVectors opens the published samples and computes the published values.
// UPDATE_GOLDEN=1 writes the file anew, with fresh keys.
func TestVectors(t *testing.T) {
	if os.Getenv("UPDATE_GOLDEN") != "" {
		writeVectors(t)
	}
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil || len(v.Shares) == 0 || len(v.Files) == 0 {
		t.Fatal("no vectors", err)
	}
	for _, want := range v.Shares {
		key, err := hex.DecodeString(want.FileKey)
		if err != nil {
			t.Fatal(err)
		}
		got := dealingOf(want.Label, part(key), want.Threshold, want.Custodians)
		if got.Platform != want.Platform || got.Authority != want.Authority || !slices.Equal(got.Shares, want.Shares) || !slices.Equal(got.Commitments, want.Commitments) {
			t.Errorf("%d of %d: got %+v", want.Threshold, want.Custodians, got)
		}
	}
	for i, s := range v.Files {
		file, err := base64.StdEncoding.DecodeString(s.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		var pieces []Part
		for _, text := range append([]string{s.Platform}, s.Custodians[len(s.Custodians)-s.Policy.Threshold:]...) {
			mine, err := Parts(headerOf(t, file), s.Label, identityOf(t, text))
			if err != nil {
				t.Fatal(i, err)
			}
			pieces = append(pieces, mine...)
		}
		key, _, err := Combine(headerOf(t, file), s.Label, pieces)
		if err != nil || hex.EncodeToString(key) != s.FileKey {
			t.Fatal(i, err)
		}
		contents, bodies, err := readAll(file, key, s.Label)
		if err != nil || len(bodies) != len(s.Documents) {
			t.Fatal(i, err)
		}
		for j, item := range contents.Items {
			if base64.StdEncoding.EncodeToString(bodies[j]) != s.Documents[item.Name] {
				t.Errorf("sample %d: %s differs", i, item.Name)
			}
		}
	}
	for _, p := range v.Padme {
		if Padme(p[0]) != p[1] {
			t.Errorf("Padme(%d) = %d, want %d", p[0], Padme(p[0]), p[1])
		}
	}
}

func identityOf(t *testing.T, text string) age.Identity {
	ids, err := age.ParseIdentities(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func writeVectors(t *testing.T) {
	v := vectors{Format: "sigillo-envelope/2"}
	labels := []Label{
		label,
		{"0197a4f0-0000-7000-8000-000000000001", "0197a4f0-0000-7000-8000-000000000002", "0197a4f0-0000-7000-8000-000000000003", "C", "0197a4f0-0000-7000-8000-000000000004"},
		{"Città di Prato", "gara", "lotto 1", "A", "Müller & Söhne"},
	}
	for i, s := range []struct{ k, n int }{{1, 2}, {2, 3}, {3, 5}, {12, 12}, {1, 1}} {
		key := part(bytes.Repeat([]byte{byte(0x11 * (i + 1))}, 16))
		v.Shares = append(v.Shares, dealingOf(labels[i%len(labels)], key, s.k, s.n))
	}
	key := func(hybrid bool) (string, string) {
		if hybrid {
			id, err := age.GenerateHybridIdentity()
			if err != nil {
				t.Fatal(err)
			}
			return id.String(), id.Recipient().String()
		}
		id := identity(t)
		return id.String(), id.Recipient().String()
	}
	for i, c := range []struct {
		k, n   int
		hybrid bool
		bodies [][]byte
	}{{1, 2, false, [][]byte{[]byte("%PDF-1.7\nuno"), bytes.Repeat([]byte("due "), 500)}}, {2, 3, true, [][]byte{[]byte("tre")}}, {1, 1, false, nil}} {
		s := sample{Label: labels[i], Policy: Policy{Threshold: c.k}, Documents: map[string]string{}}
		s.Platform, s.Policy.Platform = key(c.hybrid)
		for range c.n {
			private, public := key(c.hybrid)
			s.Custodians, s.Policy.Custodians = append(s.Custodians, private), append(s.Policy.Custodians, public)
		}
		s.Contents = Contents{Label: s.Label, Items: []Item{}, Offer: map[string]string{"discount": "12.5"}}
		var sources []Source
		for j, b := range c.bodies {
			one := item(string(rune('a'+j))+".pdf", b)
			s.Contents.Items, sources = append(s.Contents.Items, one), append(sources, from(b))
			s.Documents[one.Name] = base64.StdEncoding.EncodeToString(b)
		}
		var out bytes.Buffer
		if _, err := Seal(&out, s.Policy, s.Contents, sources); err != nil {
			t.Fatal(err)
		}
		s.Envelope = base64.StdEncoding.EncodeToString(out.Bytes())
		var pieces []Part
		for _, text := range append([]string{s.Platform}, s.Custodians...) {
			mine, err := Parts(headerOf(t, out.Bytes()), s.Label, identityOf(t, text))
			if err != nil {
				t.Fatal(err)
			}
			pieces = append(pieces, mine...)
		}
		k, _, err := Combine(headerOf(t, out.Bytes()), s.Label, pieces)
		if err != nil {
			t.Fatal(err)
		}
		s.FileKey = hex.EncodeToString(k)
		v.Files = append(v.Files, s)
	}
	for _, n := range []int64{0, 1, 2, 3, 9, 100, 1000, 4097, 1 << 20, 1<<20 + 1, 5_000_000_000} {
		v.Padme = append(v.Padme, [2]int64{n, Padme(n)})
	}
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
