package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"sigillo/internal/objects/vaulttest"
	"sigillo/internal/store/storetest"
)

// TestAT023ARushLosesNothing plays the bench with few suppliers: counts are
// asserted, times never.
func TestAT023ARushLosesNothing(t *testing.T) {
	for name, where := range map[string]func(*testing.T) (string, string){
		"sqlite+dir":  func(*testing.T) (string, string) { return "sqlite:", "dir" },
		"postgres+s3": func(t *testing.T) (string, string) { return storetest.Postgres(t), vaulttest.Service(t).String() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, objects := where(t)
			var out, errs bytes.Buffer
			code := run(t.Context(), []string{"--lang", "en", "bench", "rush", "--suppliers", "40", "--window", "2s", "--database", database, "--objects", objects, "--json"}, &out, &errs)
			var r rushReport
			if err := json.Unmarshal(out.Bytes(), &r); code != 0 || err != nil {
				t.Fatal(code, err, errs.String())
			}
			if r.Accepted == 0 || r.Refused == 0 || r.Accepted+r.Refused != 40 || r.Late+r.Lost+r.Extra+r.Errors+r.Unopened != 0 {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestBenchSealReportsRatios(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"bench", "seal", "--size", "1", "--rounds", "1", "--json"}, &out, &errs); code != 0 {
		t.Fatal(code, errs.String())
	}
	var r sealReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.SealRatio <= 0 || r.OpenRatio <= 0 {
		t.Fatal(err, out.String())
	}
}
