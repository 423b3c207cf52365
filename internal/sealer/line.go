package sealer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Every act of a bidder asks about the veil. A request of HTTP for each of these
// questions passes through four goroutines and costs a third of a submission:
// they go over lines that stay open instead, one question and one answer of
// JSON after the other.

// veiled is an answer as it crosses a line.
type veiled struct {
	Answer Answer
	Fault  *wireFault `json:",omitempty"`
}

// converse answers questions on one line until it is closed.
func converse(ctx context.Context, w http.ResponseWriter, k Keeper) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: sigillo-veil\r\nConnection: Upgrade\r\n\r\n")); err != nil {
		return
	}
	in := &io.LimitedReader{R: buffered}
	questions, answers := json.NewDecoder(in), json.NewEncoder(conn)
	for {
		in.N = maxAnswer
		var q Question
		if err := questions.Decode(&q); err != nil {
			return
		}
		a, err := k.Veil(ctx, q)
		if answers.Encode(veiled{a, wire(err)}) != nil {
			return
		}
	}
}

// line is one on the asking side.
type line struct {
	conn      net.Conn
	in        *io.LimitedReader
	questions *json.Encoder
	answers   *json.Decoder
}

func (r *Remote) dial(ctx context.Context) (*line, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", r.path)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(deadline(ctx))
	buffered := bufio.NewReader(conn)
	_, err = conn.Write([]byte("POST /veil HTTP/1.1\r\nHost: sealer\r\nUpgrade: sigillo-veil\r\nConnection: Upgrade\r\n\r\n"))
	if err == nil {
		var answer *http.Response
		if answer, err = http.ReadResponse(buffered, nil); err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
			err = errors.New("an answer that is none")
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	in := &io.LimitedReader{R: buffered}
	return &line{conn, in, json.NewEncoder(conn), json.NewDecoder(in)}, nil
}

func (l *line) ask(ctx context.Context, q Question) (a veiled, err error) {
	l.conn.SetDeadline(deadline(ctx))
	l.in.N = maxAnswer
	if err = l.questions.Encode(q); err == nil {
		err = l.answers.Decode(&a)
	}
	return a, err
}

// promptly bounds what is asked while a transaction waits: a sealer that hangs
// must not hold a lot's lock.
const promptly = 5 * time.Second

func deadline(ctx context.Context) time.Time {
	at := time.Now().Add(promptly)
	if end, ok := ctx.Deadline(); ok && end.Before(at) {
		return end
	}
	return at
}

// Veil answers a question about the veil.
func (r *Remote) Veil(ctx context.Context, q Question) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	l, a, err := r.overIdle(ctx, q)
	if l == nil {
		if l, err = r.dial(ctx); err != nil {
			return Answer{}, away(err)
		}
		a, err = l.ask(ctx, q)
	}
	if err != nil {
		l.conn.Close()
		return Answer{}, away(err)
	}
	select {
	case r.idle <- l:
	default:
		l.conn.Close()
	}
	if a.Fault != nil {
		return Answer{}, a.Fault.fault()
	}
	if len(a.Answer.Hidden) != len(q.Hide) || len(a.Answer.Lifted) != len(q.Lift) || len(a.Answer.Marks) != len(q.Names) {
		return Answer{}, incomplete()
	}
	return a.Answer, nil
}

// overIdle asks over a line that was used before, if one is still good: the
// sealer may have been started anew since. To ask twice does no harm.
func (r *Remote) overIdle(ctx context.Context, q Question) (*line, veiled, error) {
	for {
		select {
		case l := <-r.idle:
			a, err := l.ask(ctx, q)
			if err == nil {
				return l, a, nil
			}
			var slow net.Error
			if errors.As(err, &slow) && slow.Timeout() {
				return l, a, err
			}
			l.conn.Close()
		default:
			return nil, veiled{}, nil
		}
	}
}
