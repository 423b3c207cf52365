package main

import (
	"fmt"
	"log/slog"
	"time"

	"sigillo/internal/fault"
	"sigillo/internal/sealer"
	"sigillo/internal/store"
)

type sealerCommand struct {
	Database  string `env:"SIGILLO_DATABASE" required:"" help:"The platform's database, to read committed openings; a user who may only read is enough."`
	SealerKey string `env:"SIGILLO_SEALER_KEY" default:"sealer.key" help:"File with the master key; made if there is none. Only this process reads it."`
	Witnesses string `env:"SIGILLO_WITNESSES" help:"Policy file (C2SP tlog-policy) of the witnesses that must have signed the register before keys are released."`
	Socket    string `env:"SIGILLO_SEALER" default:"sealer.sock" help:"Unix socket to serve on."`
}

// Run keeps the keys until interrupted.
func (c *sealerCommand) Run(w *world) error {
	log := slog.New(slog.NewJSONHandler(w.err, nil))
	db, err := store.Open(c.Database, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	keys, err := keeper(w.ctx, Settings{SealerKey: c.SealerKey, Witnesses: c.Witnesses}, db, func() time.Time {
		now, err := db.Now()
		if err != nil {
			log.Error("the database does not tell the time", "cause", err)
		}
		return now
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(w.out, fault.T("Custode delle chiavi su %s", "Keeper of the keys on %s", c.Socket).In(w.lang))
	return sealer.Serve(w.ctx, c.Socket, keys)
}
