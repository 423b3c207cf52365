package sealer

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// socket is a short path for one, and a way to serve a sealer there until stop.
func socket(t *testing.T, k Keeper) (path string, serve func() (stop func())) {
	folder, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	path = filepath.Join(folder, "sealer.sock")
	return path, func() func() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, path, k) }()
		for range 400 {
			if c, err := net.Dial("unix", path); err == nil {
				c.Close()
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		return func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestLinesOutliveTheSealer: the one who asks does not notice that the sealer
// was started anew, and says so while there is none.
func TestLinesOutliveTheSealer(t *testing.T) {
	path, serve := socket(t, keep(t))
	remote := Dial(path)
	mark := func() (string, error) {
		a, err := remote.Veil(t.Context(), Question{Names: []string{"a"}})
		if err != nil {
			return "", err
		}
		return a.Marks[0], nil
	}
	var first string
	for i := range 3 {
		stop := serve()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				got, err := mark()
				if err != nil || len(got) != 64 {
					t.Error(got, err)
				}
			})
		}
		all.Wait()
		got, err := mark()
		if i == 0 {
			first = got
		}
		if err != nil || got != first {
			t.Fatal(got, err)
		}
		stop()
		if _, err := mark(); codeOf(err) != "sealer-unavailable" {
			t.Fatalf("nobody there: %v", err)
		}
	}
}

// TestWhoAnswersNoQuestionIsNoSealer: something else listens, hangs up, or says
// nothing until the one who asks gives up.
func TestWhoAnswersNoQuestionIsNoSealer(t *testing.T) {
	for name, behave := range map[string]func(net.Conn){
		"hangs up":        func(c net.Conn) {},
		"another program": func(c net.Conn) { c.Write([]byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) },
		"not this protocol": func(c net.Conn) {
			c.Read(make([]byte, 1000))
			c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\nnonsense\n"))
		},
		"too few answers": func(c net.Conn) {
			c.Read(make([]byte, 1000))
			c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n{\"Answer\":{}}\n"))
			c.Read(make([]byte, 1000))
		},
		"silent": func(c net.Conn) { time.Sleep(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := socket(t, nil)
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				for {
					c, err := listener.Accept()
					if err != nil {
						return
					}
					behave(c)
					c.Close()
				}
			}()
			ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer stop()
			if _, err := Dial(path).Veil(ctx, Question{Names: []string{"a"}}); codeOf(err) != "sealer-unavailable" {
				t.Fatal(err)
			}
		})
	}
}
