//go:build !linux

package health

// Clock is not known on this system.
func Clock() (string, int64) { return "unknown", 0 }
