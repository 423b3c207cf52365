package objects

import (
	"testing"

	"sigillo/audit"
	"sigillo/internal/objects/vaulttest"
)

func TestDirShelf(t *testing.T) {
	vaulttest.RunShelf(t, func(t *testing.T) audit.Shelf {
		d, err := NewDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d.Log()
	})
}

func TestS3Shelf(t *testing.T) {
	vaulttest.RunShelf(t, func(t *testing.T) audit.Shelf {
		v, err := Open(t.Context(), vaulttest.Service(t).String())
		if err != nil {
			t.Fatal(err)
		}
		return v.Log()
	})
}

func TestAShelfLeadsNowhereElse(t *testing.T) {
	for at, want := range map[string]string{"tile/0/000": "log/tile/0/000", "../papers/x": "log/papers/x", "/../../x": "log/x", "a/../../../sealed": "log/sealed"} {
		if got := place(at); got != want {
			t.Errorf("%s is at %s, not at %s", at, got, want)
		}
	}
}
