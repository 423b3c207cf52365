package fault

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestOfHidesWhatItDoesNotKnow(t *testing.T) {
	f := Of(fmt.Errorf("password is hunter2: %w", io.EOF))
	if f.Kind != Internal || strings.Contains(f.Text.EN+f.Text.IT, "hunter2") {
		t.Fatalf("an unknown error leaks: %+v", f)
	}
	if !errors.Is(f, io.EOF) {
		t.Fatal("the cause is lost for the log")
	}
	if Of(nil) != nil {
		t.Fatal("no error must stay no fault")
	}
}

func TestOfFindsTheFaultInAChain(t *testing.T) {
	closed := New(Conflict, "lot-closed", "Chiuso.", "Closed.")
	err := fmt.Errorf("submitting: %w", closed.Because(io.EOF))
	if got := Of(err); got.Code != "lot-closed" || got.Kind != Conflict {
		t.Fatalf("got %+v", got)
	}
	if !errors.Is(err, closed) || closed.Err != nil {
		t.Fatal("Because must copy, and Is compare by code")
	}
}

func TestFieldsTellAllAtOnce(t *testing.T) {
	var fs Fields
	if fs.Err("x", "x", "x") != nil {
		t.Fatal("no field, no fault")
	}
	fs.Add("/lots/0/base", "negative", "Importo %s negativo.", "Amount %s is negative.", "-1")
	fs.Add("/title", "empty", "Manca.", "Missing.")
	f := Of(fs.Err("bad-tender", "Da correggere.", "To be corrected."))
	if f.Kind != Invalid || len(f.Fields) != 2 || f.Fields[0].Text.In("it") != "Importo -1 negativo." {
		t.Fatalf("got %+v", f)
	}
}

func TestKindNames(t *testing.T) {
	if Kind(99).String() != "internal" || Unavailable.String() != "unavailable" {
		t.Fatal("names are off")
	}
}
