package audit

import (
	"archive/zip"
	"io"
	"time"
)

// zipTime is the date of every file of a bundle: the first a zip can state.
var zipTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// packed is one file of an archive.
type packed struct {
	name string
	open func() (io.ReadCloser, error)
}

// pack writes files into a zip: in the order given, not compressed, with one
// date, so that its bytes follow from their contents alone. What reads it can
// pack it again and compare.
func pack(w io.Writer, files []packed) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store, Modified: zipTime})
		if err != nil {
			return err
		}
		in, err := f.open()
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if closed := in.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}
