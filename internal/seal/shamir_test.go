package seal

import (
	"testing"

	"pgregory.net/rapid"
)

func TestFieldOfAES(t *testing.T) {
	// FIPS 197, section 4.2 and 4.2.1.
	for _, c := range []struct{ a, b, want byte }{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0, 0x57, 0}, {1, 0x57, 0x57}} {
		if got := times(c.a, c.b); got != c.want {
			t.Errorf("%#x·%#x = %#x, want %#x", c.a, c.b, got, c.want)
		}
	}
	for a := 1; a < 256; a++ {
		if got := times(byte(a), inverse(byte(a))); got != 1 {
			t.Fatalf("%#x times its inverse is %#x", a, got)
		}
	}
}

func TestAnyThresholdOfSharesGiveTheSecretBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.Custom(func(t *rapid.T) part { return part(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "part")) })
		n := rapid.IntRange(1, MaxCustodians).Draw(t, "n")
		k := rapid.IntRange(1, n).Draw(t, "k")
		secret := piece.Draw(t, "secret")
		coefficients := rapid.SliceOfN(piece, k-1, k-1).Draw(t, "coefficients")
		places := rapid.Permutation(placesTo(n)).Draw(t, "places")[:k]
		shares := make([]part, k)
		for i, x := range places {
			shares[i] = shareOf(secret, coefficients, x)
		}
		if interpolate(places, shares) != secret {
			t.Fatal("another secret")
		}
	})
}

// TestFewerSharesSayNothing: with one share less, every value of a byte of the
// secret is still possible, each with exactly one polynomial.
func TestFewerSharesSayNothing(t *testing.T) {
	for k := 2; k <= 4; k++ {
		seen := map[byte]bool{}
		known, places := make([]part, k-1), placesTo(k-1)
		for i := range known {
			known[i][0] = byte(0x40 + 17*i)
		}
		for last := range 256 {
			guess := part{byte(last)}
			seen[interpolate(append(places[:k-1:k-1], byte(k)), append(known[:k-1:k-1], guess))[0]] = true
		}
		if len(seen) != 256 {
			t.Errorf("k=%d: %d values are left", k, len(seen))
		}
	}
}

func placesTo(n int) []byte {
	all := make([]byte, n)
	for i := range all {
		all[i] = byte(i + 1)
	}
	return all
}
