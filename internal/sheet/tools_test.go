package sheet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool runs a program that reads PDFs and was not written here. Without it the
// test is skipped, and says what to install.
func tool(t *testing.T, hint, program string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("NOT CHECKED: %s is not installed (%s)", program, hint)
	}
	var complaint strings.Builder
	c := exec.Command(program, args...)
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, out, complaint.String())
	}
	return string(out)
}

func saved(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "receipt.pdf")
	if err := os.WriteFile(path, written(t, receipt()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOtherReadersFindTheText(t *testing.T) {
	text := tool(t, "poppler-utils", "pdftotext", "-layout", saved(t), "-")
	for _, want := range []string{"RICEVUTA – OFFERTA INVIATA", "Čadrg", "Dall’Ò", "✓", "1.234.567,80 €", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"} {
		if !strings.Contains(text, want) {
			t.Errorf("pdftotext does not find %q", want)
		}
	}
}

func TestOtherReadersFindTheFile(t *testing.T) {
	to := filepath.Join(t.TempDir(), "file.json")
	tool(t, "poppler-utils", "pdfdetach", "-save", "1", "-o", to, saved(t))
	got, err := os.ReadFile(to)
	if err != nil || string(got) != string(receipt().Attached[0].Bytes) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestOtherReadersFindNoFault(t *testing.T) {
	tool(t, "qpdf", "qpdf", "--check", saved(t))
}

func TestTelephonesReadTheCode(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "page")
	tool(t, "poppler-utils", "pdftoppm", "-r", "100", "-f", "2", "-l", "2", "-singlefile", "-png", saved(t), picture)
	want := string(receipt().Blocks[len(receipt().Blocks)-1].(QR))
	if got := tool(t, "zbar-tools", "zbarimg", "-q", "--raw", picture+".png"); strings.TrimSpace(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
