package seal

import "math/bits"

// Padme is the padded size of a plaintext of n bytes: at most 12 % more, and
// only a few bits of the size remain visible (Nikitin et al., PoPETs 2019).
func Padme(n int64) int64 {
	if n < 2 {
		return n
	}
	e := bits.Len64(uint64(n)) - 1 // floor of log2 n
	s := bits.Len64(uint64(e))     // bits of the size that stay visible; never above e
	mask := int64(1)<<(e-s) - 1
	return (n + mask) &^ mask
}
