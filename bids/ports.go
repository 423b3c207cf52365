package bids

import (
	"context"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/tender"
)

// Tx is what bids need of a transaction.
type Tx interface {
	act.Tx
	// Tender loads a tender and locks its lots: nobody else closes, opens or
	// submits meanwhile.
	Tender(id string) (*tender.Tender, error)
	SaveTender(*tender.Tender) error
	// TenderShared loads a tender and keeps its lots from being closed, while
	// others may submit.
	TenderShared(id string) (*tender.Tender, error)
	// Bid loads a bid with its tender attached, shared as above.
	Bid(id string) (*Bid, error)
	// SaveBid refuses a second bid of a supplier for a lot, and at commit a
	// submission that the database's clock finds late.
	SaveBid(*Bid) error
	// BidsOf lists every bid for a lot.
	BidsOf(t *tender.Tender, lot string) ([]*Bid, error)
	SupplierExists(id string) (bool, error)
	// Opening loads an opening with its tender attached.
	Opening(id string) (*Opening, error)
	// SaveOpening refuses a second opening of the same lot and envelope.
	SaveOpening(*Opening) error
	// Eligible lists the bids whose envelope may be opened now: those admitted
	// for B, those admitted and above the technical threshold for C.
	Eligible(lot string) ([]string, error)
}

// Reader reads without a transaction of change.
type Reader interface {
	Bid(ctx context.Context, id string) (*Bid, error)
	// BidsBy lists a supplier's own bids by id.
	BidsBy(ctx context.Context, supplier, after string, limit int) ([]*Bid, error)
	// BidsFor lists the bids for a lot by id.
	BidsFor(ctx context.Context, lot, after string, limit int) ([]*Bid, error)
	Opening(ctx context.Context, id string) (*Opening, error)
	Openings(ctx context.Context, tender string) ([]*Opening, error)
	// Sealed lists the ids of openings whose envelopes have not been tried.
	Sealed(ctx context.Context) ([]string, error)
	// Due lists what the clock owes at the instant, over all tenders.
	Due(ctx context.Context, now time.Time) ([]tender.Due, error)
	// WrappedKey is the private half of a key, as only the sealer can use it.
	WrappedKey(ctx context.Context, lot string, e tender.Envelope) ([]byte, error)
}

// Scope is what one key is for.
type Scope struct{ Authority, Tender, Lot, Envelope string }

// Released is the sealer's answer for one envelope: its file key, or why not.
type Released struct {
	FileKey []byte
	Err     error
}

// Sealer holds the private halves of the keys. It releases the key of an
// envelope only after convincing itself that the opening of exactly that lot
// and envelope has been committed.
type Sealer interface {
	Release(ctx context.Context, s Scope, wrapped []byte, headers [][]byte) ([]Released, error)
}

// Service performs the acts on bids.
type Service struct {
	within act.Within[Tx]
	read   Reader
	vault  docs.Vault
	sealer Sealer
}

// NewService wires the acts to a store, an object store and a sealer.
func NewService(within act.Within[Tx], read Reader, vault docs.Vault, sealer Sealer) *Service {
	return &Service{within, read, vault, sealer}
}
