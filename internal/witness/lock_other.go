//go:build !linux

package witness

import "os"

// lock keeps nobody out on this system: one process at a time may keep a folder.
func lock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
