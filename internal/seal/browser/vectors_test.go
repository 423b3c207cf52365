package browser_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"sigillo/internal/seal"
)

// TestVectors tries the module on the published samples.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../guide/formats/test-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Shares []struct {
			Label       seal.Label `json:"label"`
			FileKey     string     `json:"file_key"`
			Threshold   int        `json:"threshold"`
			Custodians  int        `json:"custodians"`
			Platform    string     `json:"platform_part"`
			Shares      []string   `json:"shares"`
			Commitments []string   `json:"commitments"`
		} `json:"shares"`
		Files []struct {
			Label      seal.Label        `json:"label"`
			Policy     seal.Policy       `json:"policy"`
			Platform   string            `json:"platform_key"`
			Custodians []string          `json:"custodian_keys"`
			FileKey    string            `json:"file_key"`
			Contents   seal.Contents     `json:"contents"`
			Documents  map[string][]byte `json:"documents"`
			Envelope   []byte            `json:"envelope"`
		} `json:"files"`
		Padme [][2]int64 `json:"padme"`
	}
	if err := json.Unmarshal(text, &v); err != nil || len(v.Shares) == 0 || len(v.Files) == 0 || len(v.Padme) == 0 {
		t.Fatal("no vectors", err)
	}
	var tasks []task
	for _, s := range v.Shares {
		key, err := hex.DecodeString(s.FileKey)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, task{Do: "deal", Label: s.Label, Key: key, Threshold: s.Threshold, Custodians: s.Custodians})
	}
	for _, f := range v.Files {
		last := f.Custodians[len(f.Custodians)-f.Policy.Threshold:]
		tasks = append(tasks, task{Do: "unseal", File: f.Envelope, Label: f.Label, Identities: append([]string{f.Platform}, last...)})
	}
	var sizes, padded []int64
	for _, p := range v.Padme {
		sizes, padded = append(sizes, p[0]), append(padded, p[1])
	}
	for n := int64(1); n < 1<<41; n = n*3 + 1 {
		for _, m := range []int64{n, 1 << (n % 41), 1<<(n%41) - 1} {
			sizes, padded = append(sizes, m), append(padded, seal.Padme(m))
		}
	}
	got := inNode(t, append(tasks, task{Do: "padme", Sizes: sizes})...)
	for i, s := range v.Shares {
		if a := got[i]; !slices.Equal(a.Shares, append([]string{s.Platform}, s.Shares...)) || !slices.Equal(a.Commitments, s.Commitments) {
			t.Errorf("%d of %d: got %+v", s.Threshold, s.Custodians, a)
		}
	}
	for i, f := range v.Files {
		a := got[len(v.Shares)+i]
		if hex.EncodeToString(a.Key) != f.FileKey || len(a.Bodies) != len(f.Documents) || a.Contents.Offer["discount"] != f.Contents.Offer["discount"] {
			t.Fatalf("sample %d: got %+v", i, a)
		}
		for j, item := range a.Contents.Items {
			if !bytes.Equal(a.Bodies[j], f.Documents[item.Name]) {
				t.Errorf("sample %d: %s differs", i, item.Name)
			}
		}
	}
	if a := got[len(got)-1]; !slices.Equal(a.Sizes, padded) {
		t.Errorf("Padmé of %d: got %d", sizes, a.Sizes)
	}
}

// TestPartsDigest: section 8, below, at and above one part.
func TestPartsDigest(t *testing.T) {
	const part = 16 << 20
	var tasks []task
	sizes := []int{1, part, part + 1, 2*part + 5}
	for _, n := range sizes {
		tasks = append(tasks, task{Do: "digest", Sizes: []int64{int64(n)}})
	}
	for i, a := range inNode(t, tasks...) {
		file := make([]byte, sizes[i])
		if want := partsDigest(file); len(a.Text) != 1 || a.Text[0] != want {
			t.Errorf("%d bytes: got %v, want %s", sizes[i], a, want)
		}
	}
}

func partsDigest(file []byte) string {
	var sums []byte
	n := 0
	for p := range slices.Chunk(file, 16<<20) {
		sum := sha256.Sum256(p)
		sums, n = append(sums, sum[:]...), n+1
	}
	if n == 1 {
		return hex.EncodeToString(sums)
	}
	sum := sha256.Sum256(sums)
	return hex.EncodeToString(sum[:])
}
