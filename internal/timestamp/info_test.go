package timestamp

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// element writes DER by hand, from hexadecimal contents.
func element(tag string, contents ...string) string {
	body := strings.Join(contents, "")
	n := len(body) / 2
	if n < 0x80 {
		return tag + hex.EncodeToString([]byte{byte(n)}) + body
	}
	return tag + "81" + hex.EncodeToString([]byte{byte(n)}) + body
}

var (
	plainImprint = element("30", element("30", "0609608648016503040201"), element("04", strings.Repeat("ab", 32)))
	plainTime    = element("18", hex.EncodeToString([]byte("20261120120000.25Z")))
	plainStart   = "020101" + "06032a0304" + plainImprint + "020200ff" + plainTime
)

func TestReadInfo(t *testing.T) {
	for name, c := range map[string]struct {
		contents string
		accuracy time.Duration
		nonce    int64 // -1 when there is none
		bad      bool
	}{
		"least":                  {plainStart, 0, -1, false},
		"everything":             {plainStart + "300b" + "020102" + "800203e7" + "810203e7" + "0101ff" + "02022a2a" + "a0048202666f" + element("a1", element("30", "06032a0304", "040100")), 2*time.Second + 999*time.Millisecond + 999*time.Microsecond, 0x2a2a, false},
		"accuracy of thousandth": {plainStart + "3003800101", time.Millisecond, -1, false},
		"empty accuracy":         {plainStart + "3000", 0, -1, false},
		"nonce alone":            {plainStart + "020100", 0, 0, false},
		"version 2":              {strings.Replace(plainStart, "020101", "020102", 1), 0, 0, true},
		"no time":                {strings.TrimSuffix(plainStart, plainTime), 0, 0, true},
		"UTCTime":                {strings.Replace(plainStart, plainTime, element("17", hex.EncodeToString([]byte("261120120000Z"))), 1), 0, 0, true},
		"accuracy below nothing": {plainStart + "30030201ff", 0, 0, true},
		"accuracy of days":       {plainStart + "300502030fffff", 0, 0, true},
		"accuracy of 1000 ms":    {plainStart + "3004800203e8", 0, 0, true},
		"accuracy with more":     {plainStart + "30020500", 0, 0, true},
		"nonce before accuracy":  {plainStart + "020100" + "3000", 0, 0, true},
		"critical extension":     {plainStart + element("a1", element("30", "06032a0304", "0101ff", "040100")), 0, 0, true},
		"broken extension":       {plainStart + element("a1", element("30", "06032a0304")), 0, 0, true},
		"something after":        {plainStart + "0500", 0, 0, true},
		"parameters of the hash": {strings.Replace(plainStart, element("30", "0609608648016503040201"), element("30", "0609608648016503040201", "0400"), 1), 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			der, err := hex.DecodeString(element("30", c.contents))
			if err != nil {
				t.Fatal(err)
			}
			i, ok := readInfo(der)
			if ok == c.bad {
				t.Fatalf("%+v", i)
			}
			if c.bad {
				return
			}
			if i.accuracy != c.accuracy || (i.nonce == nil) != (c.nonce < 0) || i.nonce != nil && i.nonce.Int64() != c.nonce ||
				!i.sha256 || i.serial.Int64() != 255 || i.policy.String() != "1.2.3.4" || !i.at.Equal(now.Add(250*time.Millisecond)) {
				t.Errorf("%+v", i)
			}
		})
	}
}
