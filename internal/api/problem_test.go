package api

import (
	"net/http"
	"strings"
	"testing"

	"sigillo/docs"
	"sigillo/internal/fault"
)

func TestEveryKindOfFaultHasAStatus(t *testing.T) {
	seen := map[int]bool{}
	for k := fault.Internal; k.String() != "internal" || k == fault.Internal; k++ {
		status, ok := statuses[k]
		if !ok || http.StatusText(status) == "" || seen[status] {
			t.Errorf("%s: status %d", k, status)
		}
		seen[status] = true
	}
	if len(seen) != len(statuses) {
		t.Fatal("a status without a kind")
	}
}

func TestPointers(t *testing.T) {
	for location, want := range map[string]string{
		"body": "", "body.title": "/title", "body.lots[0].title": "/lots/0/title", "body.lots[12].criterion.technical[3].points": "/lots/12/criterion/technical/3/points",
		"query.limit": "query:limit", "path.id": "path:id", "body.a/b": "/a~1b",
	} {
		if got := pointer(location); got != want {
			t.Errorf("%s: got %q, want %q", location, got, want)
		}
	}
}

func TestLanguages(t *testing.T) {
	for header, want := range map[string]string{"": "it", "en": "en", "en-US,en;q=0.9": "en", "de-AT, it;q=0.5, en": "it", "fr": "it", "EN": "en", strings.Repeat("x,", 10_000): "it"} {
		if got := language(header); got != want {
			t.Errorf("%.20q: got %s", header, got)
		}
	}
}

func FuzzDigest(f *testing.F) {
	f.Add("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
	f.Add("sha-512=:x:, sha-256=:y:")
	f.Fuzz(func(t *testing.T, header string) {
		h, err := digest(header)
		if (err == nil) == (h == docs.Hash{}) && !strings.Contains(header, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") {
			t.Fatal(h, err)
		}
	})
}

func TestWhatTheSchemaQuotesIsDropped(t *testing.T) {
	for _, m := range []string{"unexpected property", "expected string", "something new: my secret price", "expected number <= 5: 6"} {
		text := translate(m)
		if strings.Contains(text.IT+text.EN, "secret") || text.IT == "" || text.EN == "" {
			t.Errorf("%s: %+v", m, text)
		}
	}
}
