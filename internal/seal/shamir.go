package seal

import "crypto/subtle"

// Shamir's sharing over GF(2⁸) with the polynomial of AES, byte by byte. The
// arithmetic takes the same time whatever the bytes are.

// times multiplies in the field.
func times(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return product
}

// inverse of a non-zero element: a to the power 254.
func inverse(a byte) byte {
	square := times(a, a)
	result := square
	for range 6 {
		square = times(square, square)
		result = times(result, square)
	}
	return result
}

// shareOf evaluates the polynomial of the secret and its coefficients at x.
func shareOf(secret part, coefficients []part, x byte) part {
	var y part
	for j := len(coefficients) - 1; j >= 0; j-- { // Horner
		for b := range y {
			y[b] = times(y[b]^coefficients[j][b], x)
		}
	}
	return xor(y, secret)
}

// interpolate gives the value at 0 of the polynomial through the shares, whose
// places are distinct and not 0.
func interpolate(places []byte, shares []part) part {
	var secret part
	for i, x := range places {
		weight := byte(1)
		for j, other := range places {
			if i != j {
				weight = times(weight, times(other, inverse(other^x)))
			}
		}
		for b := range secret {
			secret[b] ^= times(weight, shares[i][b])
		}
	}
	return secret
}

// part is a piece of a file key, of the same length.
type part [16]byte

func xor(a, b part) part {
	var c part
	subtle.XORBytes(c[:], a[:], b[:])
	return c
}
