package vaulttest

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"testing"
)

// Service names a bucket of the test's own on the S3 store of TEST_S3_URL.
// Without one the test is skipped, loudly, and fails where services are
// required.
func Service(t testing.TB) *url.URL {
	t.Helper()
	address := os.Getenv("TEST_S3_URL")
	if address == "" {
		if os.Getenv("SIGILLO_REQUIRE_SERVICES") != "" {
			t.Fatal("TEST_S3_URL is not set, and services are required")
		}
		t.Skip("SKIPPED: no S3 store; set TEST_S3_URL=s3://ACCESS:SECRET@host:port/bucket?tls=false")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("TEST_S3_URL is not a URL") // it holds a secret: say nothing of it
	}
	var b [6]byte
	rand.Read(b[:])
	u.Path += "-" + hex.EncodeToString(b[:])
	q := u.Query()
	scheme := "https://"
	if q.Get("tls") == "false" {
		scheme = "http://"
	}
	q.Set("public", scheme+u.Host) // bidders' programs reach it too
	u.RawQuery = q.Encode()
	return u
}
