package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sigillo/internal/fault"
)

// Client asks witnesses.
type Client struct{ http *http.Client }

// NewClient makes one. A witness that hangs is left after five seconds.
func NewClient() *Client {
	return &Client{&http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Ask asks the witness at an address to sign a checkpoint that continues one of
// the old size, and gives what it answered: lines of signatures, which are not
// verified yet. If the witness knows another size, there are none and that size
// is given instead. Faults: witness-unavailable, witness-refused.
func (c *Client) Ask(ctx context.Context, address string, old uint64, proof [][32]byte, checkpoint string) (lines string, knows uint64, err error) {
	body := request{old, proof, checkpoint}.text()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(address, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return "", 0, unavailable(err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return "", 0, unavailable(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return "", 0, unavailable(err)
	}
	switch kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); {
	case answer.StatusCode == http.StatusOK:
		return string(text), 0, nil
	case answer.StatusCode == http.StatusConflict && kind == "text/x.tlog.size":
		size, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 63)
		if err != nil || size == old {
			return "", 0, unavailable(errors.New("no size in its answer"))
		}
		return "", size, nil
	case answer.StatusCode/100 == 4 && answer.StatusCode != http.StatusTooManyRequests:
		return "", 0, fault.New(fault.Conflict, "witness-refused", "Il testimone rifiuta il checkpoint (%d): il registro non è quello che conosce, o non lo segue.",
			"The witness refuses the checkpoint (%d): the log is not the one it knows, or it does not watch it.", answer.StatusCode)
	}
	return "", 0, unavailable(fmt.Errorf("HTTP %d", answer.StatusCode))
}

func unavailable(err error) error {
	return fault.New(fault.Unavailable, "witness-unavailable", "Il testimone non risponde: si riproverà.", "The witness does not answer: it will be tried again.").Because(err)
}
