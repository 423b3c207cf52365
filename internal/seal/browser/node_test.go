package browser_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"filippo.io/age"

	"sigillo/internal/fault"
	"sigillo/internal/seal"
)

// task is one thing for testdata/run.mjs to do.
type task struct {
	Do         string      `json:"do"`
	Policy     seal.Policy `json:"policy"`
	Label      seal.Label  `json:"label"`
	Contents   any         `json:"contents,omitempty"`
	Bodies     [][]byte    `json:"bodies,omitempty"`
	Measured   [][]byte    `json:"measured,omitempty"` // what the bodies were when described
	File       []byte      `json:"file,omitempty"`
	Key        []byte      `json:"key,omitempty"`
	Threshold  int         `json:"threshold,omitempty"`
	Custodians int         `json:"custodians,omitempty"`
	Identities []string    `json:"identities,omitempty"`
	Pieces     []seal.Part `json:"pieces,omitempty"`
	Sizes      []int64     `json:"sizes,omitempty"`
}

type answer struct {
	Error       string        `json:"error"` // the code
	Message     string        `json:"message"`
	Text        []string      `json:"text"`
	Sizes       []int64       `json:"sizes"`
	File        []byte        `json:"file"`
	Key         []byte        `json:"key"`
	Shares      []string      `json:"shares"`
	Commitments []string      `json:"commitments"`
	Dealt       []int         `json:"dealt"`
	Released    []int         `json:"released"`
	Contents    seal.Contents `json:"contents"`
	Bodies      [][]byte      `json:"bodies"`
	Pieces      []struct {
		Index int    `json:"index"`
		Share []byte `json:"share"`
		Fits  bool   `json:"fits"`
	} `json:"pieces"`
}

// inNode does all tasks in one run of node: starting it is slow.
func inNode(t *testing.T, tasks ...task) []answer {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED, THE BROWSER'S ENVELOPE IS NOT TESTED: install node 20 or later")
	}
	in, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	run := exec.CommandContext(t.Context(), node, "testdata/run.mjs")
	run.Stdin, run.Stderr = bytes.NewReader(in), &stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	var answers []answer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(tasks) {
		t.Fatal(err, len(answers))
	}
	if stderr.Len() > 0 {
		t.Errorf("node wrote: %s", stderr.String())
	}
	return answers
}

var label = seal.Label{Authority: "authority", Tender: "tender", Lot: "lot", Envelope: "C", Supplier: "supplier"}

// holder is a private key of either kind.
type holder struct {
	age.Identity
	private, public string
}

func newHolder(t testing.TB, hybrid bool) holder {
	if hybrid {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		return holder{id, id.String(), id.Recipient().String()}
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return holder{id, id.String(), id.Recipient().String()}
}

// bench is the holders of a policy, the platform first, with both kinds of key.
type bench struct {
	seal.Policy
	holders []holder
}

func newBench(t testing.TB, k, n int) bench {
	b := bench{seal.Policy{Threshold: k}, []holder{newHolder(t, n%2 == 0)}}
	b.Platform = b.holders[0].public
	for i := range n {
		h := newHolder(t, i%2 == 1)
		b.holders, b.Custodians = append(b.holders, h), append(b.Custodians, h.public)
	}
	return b
}

func (b bench) pick(places ...int) []holder {
	var some []holder
	for _, i := range places {
		some = append(some, b.holders[i])
	}
	return some
}

func private(holders []holder) []string {
	var all []string
	for _, h := range holders {
		all = append(all, h.private)
	}
	return all
}

func contentsOf(bodies [][]byte) seal.Contents {
	c := seal.Contents{Label: label, Items: []seal.Item{}, Offer: map[string]string{"discount": "12.5"}}
	for i, b := range bodies {
		sum := sha256.Sum256(b)
		c.Items = append(c.Items, seal.Item{Name: fmt.Sprintf("%d.pdf", i), Kind: "economicOffer", MediaType: "application/pdf", Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])})
	}
	return c
}

func sealInGo(t testing.TB, p seal.Policy, c seal.Contents, bodies ...[]byte) []byte {
	var sources []seal.Source
	for _, b := range bodies {
		_, _, check, err := seal.Measure(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, seal.Source{Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, Check: check})
	}
	var out bytes.Buffer
	if _, err := seal.Seal(&out, p, c, sources); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unsealInGo does what the task "unseal" does.
func unsealInGo(file []byte, want seal.Label, holders []holder) (a answer, err error) {
	header, err := seal.Header(bytes.NewReader(file))
	if err != nil {
		return answer{}, err
	}
	var pieces []seal.Part
	for _, h := range holders {
		mine, err := seal.Parts(header, want, h)
		if err != nil {
			return answer{}, err
		}
		pieces = append(pieces, mine...)
	}
	key, _, err := seal.Combine(header, want, pieces)
	if err != nil {
		return answer{}, err
	}
	a, err = openInGo(file, key, want)
	a.Key = key
	return a, err
}

func openInGo(file, key []byte, want seal.Label) (answer, error) {
	o, err := seal.Open(bytes.NewReader(file), key, want)
	if err != nil {
		return answer{}, err
	}
	a := answer{Contents: o.Contents}
	for {
		_, r, err := o.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return answer{}, err
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return answer{}, err
		}
		a.Bodies = append(a.Bodies, body)
	}
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}
