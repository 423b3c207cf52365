package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"

	"sigillo/internal/api"
)

type openapiCommand struct {
	Check string `help:"Compare with this copy, and fail when they differ."`
}

// Run prints the document the server serves; no database is needed.
func (c *openapiCommand) Run(w *world) error {
	text, err := api.New(api.Services{}, api.Config{Log: slog.New(slog.DiscardHandler)}).Document()
	if err != nil {
		return err
	}
	if c.Check == "" {
		_, err = w.out.Write(text)
		return err
	}
	copied, err := os.ReadFile(c.Check)
	if err != nil {
		return err
	}
	if !bytes.Equal(copied, text) {
		return fmt.Errorf("%s is not what the program serves: run go run ./cmd/sigillo openapi > %s", c.Check, c.Check)
	}
	return nil
}
