package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// request is what add-checkpoint is asked with.
type request struct {
	old        uint64
	proof      [][32]byte
	checkpoint string
}

const (
	maxProof = 63       // hashes
	maxBody  = 64 << 10 // bytes
)

var errRequest = errors.New("not a request to add a checkpoint")

// text writes a request.
func (q request) text() []byte {
	var b bytes.Buffer
	b.WriteString("old " + strconv.FormatUint(q.old, 10) + "\n")
	for _, h := range q.proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n" + q.checkpoint)
	return b.Bytes()
}

// parse reads a request in its one spelling.
func parse(body []byte) (request, error) {
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	if !ok || len(body) > maxBody {
		return request{}, errRequest
	}
	lines := strings.Split(head, "\n")
	if len(lines) > 1+maxProof {
		return request{}, errRequest
	}
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(size, 10, 63)
	if !ok || err != nil {
		return request{}, errRequest
	}
	q := request{old: old, checkpoint: checkpoint}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != 32 {
			return request{}, errRequest
		}
		q.proof = append(q.proof, [32]byte(h))
	}
	if !bytes.Equal(q.text(), body) {
		return request{}, errRequest
	}
	return q, nil
}

// origin is the first line of the checkpoint.
func (q request) origin() string {
	line, _, _ := strings.Cut(q.checkpoint, "\n")
	return line
}
