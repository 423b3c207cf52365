package signature

import (
	"bytes"
	"crypto/x509"
	"io"
)

var (
	oidData       = oid(1, 2, 840, 113549, 1, 7, 1)
	oidSignedData = oid(1, 2, 840, 113549, 1, 7, 2)
	oidStampInfo  = oid(1, 2, 840, 113549, 1, 9, 16, 1, 4)
)

// Bounds on what follows the content: it is read into memory.
const (
	maxTail         = 4 << 20 // bytes of certificates, and bytes of signatures
	maxCertificates = 100
	maxSigners      = 64
)

// signedData is a CMS SignedData (RFC 5652, 5.1). The content stays in the file.
type signedData struct {
	contentType  string            // DER contents of the identifier
	content      *io.SectionReader // nil when the document is elsewhere
	certificates []*x509.Certificate
	unreadable   bool // some certificate is not understood
	signers      []signerInfo
	end          int64 // where the container ends in its section
}

// isCMS tells from its beginning whether a section holds a CMS of any type.
func isCMS(b []byte) bool {
	h, err := readHeader(b)
	if err != nil || h.id != idSequence || len(b) < h.size+10 {
		return false
	}
	prefix := append([]byte{idOID, byte(len(oidSignedData))}, oidSignedData[:len(oidSignedData)-1]...)
	stamped := []byte(oid(1, 2, 840, 113549, 1, 9, 16, 1, 31)) // TimeStampedData, RFC 5544
	return bytes.HasPrefix(b[h.size:], prefix) ||
		bytes.HasPrefix(b[h.size:], append([]byte{idOID, byte(len(stamped))}, stamped...))
}

// errOtherType is a CMS that is not signed data: encrypted, or only stamped.
type errOtherType string

func (e errOtherType) Error() string { return "CMS content type " + dotted(string(e)) }

// readSignedData walks a container, BER or DER. Content and revocation lists are
// stepped over; certificates and signatures alone come into memory.
func readSignedData(s *io.SectionReader) (*signedData, error) {
	c := newCursor(s)
	d := &signedData{}
	outer, err := c.open(idSequence)
	if err != nil {
		return nil, err
	}
	id, err := c.oid()
	if err != nil {
		return nil, err
	}
	if id != oidSignedData {
		return nil, errOtherType(id)
	}
	explicit, err := c.open(idContext0)
	if err != nil {
		return nil, err
	}
	if err := d.read(c); err != nil {
		return nil, err
	}
	if err := c.close(explicit); err != nil {
		return nil, err
	}
	if err := c.close(outer); err != nil {
		return nil, err
	}
	d.end = c.at
	return d, nil
}

func (d *signedData) read(c *cursor) error {
	f, err := c.open(idSequence)
	if err != nil {
		return err
	}
	if h, err := c.header(); err != nil || h.id != idInteger {
		return errShape
	}
	if err := c.skip(); err != nil { // version
		return err
	}
	if h, err := c.header(); err != nil || h.id != idSet {
		return errShape
	}
	if err := c.skip(); err != nil { // digestAlgorithms: the signers state theirs
		return err
	}
	if err := d.readContent(c); err != nil {
		return err
	}
	for {
		h, err := c.header()
		if err != nil {
			return err
		}
		switch h.id {
		case idContext0:
			if err := d.readCertificates(c); err != nil {
				return err
			}
			continue
		case idContext1:
			if err := c.skip(); err != nil {
				return err
			}
			continue
		}
		if err := d.readSigners(c); err != nil {
			return err
		}
		return c.close(f)
	}
}

func (c *cursor) oid() (string, error) {
	b, err := c.element(64)
	if err != nil {
		return "", err
	}
	if b[0] != idOID {
		return "", errShape
	}
	return string(b[2:]), nil
}

func (d *signedData) readContent(c *cursor) error {
	f, err := c.open(idSequence)
	if err != nil {
		return err
	}
	if d.contentType, err = c.oid(); err != nil {
		return err
	}
	more, err := c.more(f)
	if err != nil {
		return err
	}
	if more {
		explicit, err := c.open(idContext0)
		if err != nil {
			return err
		}
		h, err := c.header()
		if err != nil {
			return err
		}
		switch h.id {
		case idOctets:
			d.content = io.NewSectionReader(c.s, c.at+int64(h.size), h.length)
			c.at += int64(h.size) + h.length
		case idSegments:
			o, err := c.segments()
			if err != nil {
				return err
			}
			d.content = io.NewSectionReader(o, 0, o.size)
		default:
			return errShape
		}
		if err := c.close(explicit); err != nil {
			return err
		}
	}
	return c.close(f)
}

// children calls visit with every element inside an element in memory.
func children(element []byte, visit func(child []byte) error) error {
	h, err := readHeader(element)
	if err != nil {
		return err
	}
	for rest := element[h.size:]; len(rest) > 0; {
		h, err := readHeader(rest)
		if err != nil {
			return err
		}
		if h.length < 0 || h.length > int64(len(rest)-h.size) {
			return errShape
		}
		n := h.size + int(h.length)
		if err := visit(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (d *signedData) readCertificates(c *cursor) error {
	b, err := c.element(maxTail)
	if err != nil {
		return err
	}
	return children(b, func(child []byte) error {
		if child[0] != idSequence { // attribute certificates and the like
			return nil
		}
		if len(d.certificates) >= maxCertificates {
			return errTooMuch
		}
		cert, err := x509.ParseCertificate(child)
		if err != nil {
			d.unreadable = true
			return nil
		}
		d.certificates = append(d.certificates, cert)
		return nil
	})
}

func (d *signedData) readSigners(c *cursor) error {
	b, err := c.element(maxTail)
	if err != nil {
		return err
	}
	if b[0] != idSet {
		return errShape
	}
	return children(b, func(child []byte) error {
		if len(d.signers) >= maxSigners {
			return errTooMuch
		}
		d.signers = append(d.signers, readSigner(child))
		return nil
	})
}
