package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"sigillo/internal/client"
	"sigillo/internal/fault"
	"sigillo/tender"
)

type demoCommand struct {
	Data   string        `default:"sigillo-demo" help:"Folder of the demonstration."`
	Listen string        `default:"127.0.0.1:8080" help:"Address to serve on."`
	Fresh  bool          `help:"Begin anew, dropping an earlier demonstration in the folder."`
	Exit   bool          `help:"End after the story instead of serving."`
	Pace   time.Duration `default:"12s" help:"Real time that passes while the clock races to the next event."`
}

// marker makes a folder recognisable as a demonstration's, so that nothing
// else is ever dropped.
const marker = "demo.json"

// memory is what a demonstration remembers between runs.
type memory struct {
	Finished bool              `json:"finished"`
	Now      time.Time         `json:"now"`
	Logins   map[string]string `json:"logins"` // address by what the person is
}

func (m *memory) save(folder string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	tmp := filepath.Join(folder, marker+".new")
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(folder, marker))
}

// Run plays the story, or goes on from where it was finished, and serves.
func (c *demoCommand) Run(w *world) error {
	m, err := c.prepare(w)
	if err != nil {
		return err
	}
	clock := newRacingClock(m.Now)
	logFile, err := os.OpenFile(filepath.Join(c.Data, "sigillo.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	p, err := assemble(w.ctx, c.settings(), clock.Now, true, slog.New(slog.NewJSONHandler(logFile, nil)))
	if err != nil {
		return err
	}
	defer p.store.Close()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		// The usual port is taken: any other will do for a demonstration.
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(w.ctx)
	served := make(chan error, 1)
	go func() { served <- p.serve(ctx, listener) }()
	err = c.play(w, p, clock, m, "http://"+listener.Addr().String())
	m.Now = clock.Now()
	if saved := m.save(c.Data); err == nil {
		err = saved
	}
	stop()
	return errors.Join(err, <-served)
}

func (c *demoCommand) settings() Settings {
	at := func(name string) string { return filepath.Join(c.Data, name) }
	return Settings{Database: "sqlite:" + at("sigillo.db"), Objects: at("objects"), SealerKey: at("sealer.key"), LogKey: at("log.key"), MaxUpload: 5 << 30}
}

// prepare makes the folder ready: one that was finished is resumed, one that
// broke off begins anew, one that is something else is left alone.
func (c *demoCommand) prepare(w *world) (*memory, error) {
	m := &memory{Now: time.Now(), Logins: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(c.Data, marker))
	switch {
	case err == nil:
		old := new(memory)
		if json.Unmarshal(text, old) == nil && old.Finished && !c.Fresh {
			return old, nil
		}
		fmt.Fprintln(w.out, fault.T("Ricomincio da capo in %s.", "Beginning anew in %s.", c.Data).In(w.lang))
		if err := os.RemoveAll(c.Data); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if left, err := os.ReadDir(c.Data); err == nil && len(left) > 0 {
			return nil, fault.New(fault.Conflict, "not-a-demo", "La cartella %s contiene altro: ne indichi un'altra con --data.",
				"The folder %s holds something else: name another with --data.", c.Data)
		}
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	return m, m.save(c.Data)
}

func (c *demoCommand) play(w *world, p *platform, clock *racingClock, m *memory, base string) error {
	if !m.Finished {
		s := &story{w: w, p: p, clock: clock, pace: c.Pace, folder: c.Data, logins: m, api: &client.Client{Base: base, Lang: w.lang}}
		if err := s.tell(w.ctx); err != nil {
			return err
		}
		m.Finished = true
	}
	say := func(it, en string, args ...any) { fmt.Fprintln(w.out, fault.T(it, en, args...).In(w.lang)) }
	say("\nAccessi (POST %s/v1/sessions, basta l'indirizzo):", "\nLogins (POST %s/v1/sessions, the address is enough):", base)
	for _, who := range castOrder {
		fmt.Fprintf(w.out, "  %-22s %s\n", who, m.Logins[who])
	}
	say("API da leggere e provare: %s/docs", "API to read and try: %s/docs", base)
	if c.Exit {
		return nil
	}
	say("La piattaforma resta in ascolto; qui sono le %s. Ctrl-C per finire.", "The platform keeps serving; here it is %s. Ctrl-C to end.", tender.InRome(clock.Now()))
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return nil
		case <-tick.C:
			m.Now = clock.Now()
			if err := m.save(c.Data); err != nil {
				return err
			}
		}
	}
}
