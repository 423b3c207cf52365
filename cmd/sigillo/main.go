// Command sigillo is the whole platform in one program: the server, the
// demonstration, and the tools of suppliers and auditors.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"sigillo/internal/client"
)

// world is what a command may touch, so that tests can start one.
type world struct {
	ctx      context.Context
	out, err io.Writer
	lang     string
}

type commands struct {
	Lang string `env:"SIGILLO_LANG" default:"it" enum:"it,en" help:"Language of messages: it or en."`

	Demo      demoCommand      `cmd:"" help:"Play a whole tender, then keep serving: needs nothing else."`
	Serve     serveCommand     `cmd:"" help:"Serve the platform."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database schema up to date and make the first administrator."`
	Key       keyCommand       `cmd:"" help:"Keys of custodians: make, try, use."`
	Sealer    sealerCommand    `cmd:"" help:"Keep the platform's keys in a process of its own."`
	Witness   witnessCommand   `cmd:"" help:"Watch logs as a witness (C2SP tlog-witness)."`
	Seal      sealCommand      `cmd:"" help:"Seal an envelope on this computer."`
	Submit    submitCommand    `cmd:"" help:"Upload sealed envelopes and submit the bid."`
	Verify    verifyCommands   `cmd:"" help:"Verify an export or a bundle of the register, a receipt, or a time stamp."`
	Recompute recomputeCommand `cmd:"" help:"Compute ranking and award again from a bundle of the register."`
	Bench     benchCommand     `cmd:"" help:"Measure the platform on services of its own."`
	Openapi   openapiCommand   `cmd:"" help:"Print the OpenAPI document, or check a copy of it."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. Exit codes: 0 done, 1 failed or not verified, 2 misused.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("sigillo"), kong.Description("E-tendering with sealed bids and a register anybody can verify."),
		kong.Writers(out, errs), kong.Exit(func(n int) { code = n }))
	if err != nil {
		fmt.Fprintln(errs, err)
		return 2
	}
	chosen, err := parser.Parse(args)
	if code >= 0 { // help was asked for, and shown
		return code
	}
	if err != nil {
		fmt.Fprintln(errs, "sigillo:", err)
		return 2
	}
	if err := chosen.Run(&world{ctx, out, errs, c.Lang}); err != nil {
		fmt.Fprintln(errs, "sigillo:", client.Tell(err, c.Lang))
		return 1
	}
	return 0
}
