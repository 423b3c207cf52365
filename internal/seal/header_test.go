package seal

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// locked is a well-made age file to a passphrase.
func locked(t testing.TB) []byte {
	r, err := age.NewScryptRecipient("secret")
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(2)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(make([]byte, 200))
	w.Close()
	return b.Bytes()
}

func TestINC22InspectTellsWhatIsNotAnEnvelope(t *testing.T) {
	file := seal(t, identity(t), nil, []byte("x"))
	head, err := Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(file, head) {
		t.Fatal("the header has another spelling in the file")
	}
	stanza := string(head[len("age-encryption.org/v1\n"):bytes.Index(head, []byte("--- "))])
	crowd := "age-encryption.org/v1\n" + strings.Repeat(stanza, 17) + string(head[bytes.Index(head, []byte("--- ")):]) + strings.Repeat("x", 200)
	for name, c := range map[string]struct{ file, code string }{
		"nothing":              {"", "not-sealed"},
		"a PDF":                {"%PDF-1.7 CANARY 123.45", "not-sealed"},
		"an archive":           {"PK\x03\x04CANARY", "not-sealed"},
		"text":                 {"CANARY: we offer 123.45 EUR\n", "not-sealed"},
		"a long text":          {strings.Repeat("CANARY", 1<<18), "not-sealed"},
		"a header cut off":     {"age-encryption.org/v1\n-> X25519 CANARY", "damaged-envelope"},
		"line ends changed":    {strings.ReplaceAll(string(file), "\n", "\r\n"), "damaged-envelope"},
		"a later version":      {strings.Replace(string(file), "/v1", "/v2", 1), "damaged-envelope"},
		"an endless header":    {"age-encryption.org/v1\n-> X25519 " + strings.Repeat("CANARY ", 1<<17), "damaged-envelope"},
		"a header alone":       {string(head), "damaged-envelope"},
		"a payload too short":  {string(file[:len(head)+40]), "damaged-envelope"},
		"a chunk of no length": {string(head) + strings.Repeat("x", nonceSize+chunkSize+tagSize), "damaged-envelope"},
		"a passphrase":         {string(locked(t)), "wrong-recipients"},
		"an unknown key":       {strings.Replace(string(file), " X25519 ", " CANARY ", 1), "wrong-recipients"},
		"too many keys":        {crowd, "wrong-recipients"},
	} {
		f := fault.Of(Inspect(strings.NewReader(c.file), label, 1, 1))
		if f == nil || f.Code != c.code || f.Kind != fault.Invalid {
			t.Errorf("%s: got %v", name, f)
		} else if strings.Contains(f.Error()+f.Text.IT, "CANARY") {
			t.Errorf("%s: the error tells the contents: %v", name, f)
		}
	}
}

func TestInspectTakesEnvelopes(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, recipient := range []string{identity(t).Recipient().String(), hybrid.Recipient().String()} {
		for _, size := range []int{1, 64 << 10, 200_000} {
			file := sealTo(t, to(recipient), nil, make([]byte, size))
			if err := Inspect(iotest.OneByteReader(bytes.NewReader(file)), label, 1, 1); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			if err := Inspect(bytes.NewReader(file[:min(len(file), 64<<10)]), label, 1, 1); err != nil {
				t.Errorf("the front of %d bytes: %v", size, err)
			}
		}
	}
}

// TestAStoreThatFailsIsNotTheBidder keeps a bid from being noted as damaged
// because a disk or a connection gave way while it was read.
func TestAStoreThatFailsIsNotTheBidder(t *testing.T) {
	id := identity(t)
	file := seal(t, id, nil, bytes.Repeat([]byte("x"), 100_000), []byte("y"))
	head, err := Header(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	key, err := fileKey(head, label, id)
	if err != nil {
		t.Fatal(err)
	}
	fire := errors.New("the disk is on fire")
	for _, at := range []int{0, 10, 25, len(head) - 1, len(head) + 3, len(head) + 100, 70_000, len(file) - 1, len(file)} {
		broken := func() io.Reader { return io.MultiReader(bytes.NewReader(file[:at]), iotest.ErrReader(fire)) }
		if err := Inspect(broken(), label, 1, 1); !errors.Is(err, fire) {
			t.Errorf("Inspect, at byte %d: got %v", at, err)
		}
		if _, err := Header(broken()); at < len(head) && !errors.Is(err, fire) {
			t.Errorf("Header, at byte %d: got %v", at, err)
		}
		o, err := Open(broken(), key, label)
		for err == nil {
			_, _, err = o.Next()
		}
		if !errors.Is(err, fire) {
			t.Errorf("Open, at byte %d: got %v", at, err)
		}
	}
}

func TestPartsNeverQuoteTheHeader(t *testing.T) {
	_, err := Parts([]byte("age-encryption.org/v1\n-> X25519 CANARY\nCANARY\n--- CANARY\n"), label, identity(t))
	if f := fault.Of(err); f == nil || f.Code != "cannot-unseal" || strings.Contains(f.Error(), "CANARY") {
		t.Fatalf("got %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	file := seal(f, identity(f), nil, []byte("x"))
	f.Add(file)
	f.Add(locked(f))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 a\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		head, err := Header(bytes.NewReader(file))
		if err == nil && !bytes.HasPrefix(file, head) {
			t.Fatal("the header has another spelling in the file")
		}
		if fine := Inspect(bytes.NewReader(file), label, 1, 1); fine == nil && err != nil {
			t.Fatalf("inspected well, yet without a header: %v", err)
		} else if fine != nil && fault.Of(fine).Kind != fault.Invalid {
			t.Fatalf("not the fault of the file: %v", fine)
		}
	})
}
