package bids

import (
	"context"
	"time"

	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/seal"
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
	// Foresee tells which bid will be loaded.
	Foresee(id string)
	// Bid loads a bid with its tender attached, shared as above. The tender is
	// for reading only: others have it too.
	Bid(id string) (*Bid, error)
	// SaveBid refuses a second bid of a supplier for a lot, and at commit a
	// submission that the database's clock finds late.
	SaveBid(*Bid) error
	// BidsOf lists every bid for a lot.
	BidsOf(t *tender.Tender, lot string) ([]*Bid, error)
	// Nameless lists every bid for a lot, without supplier and members: who
	// counts bids need not know whose they are.
	Nameless(t *tender.Tender, lot string) ([]*Bid, error)
	SupplierExists(id string) (bool, error)
	// Transfer loads an upload with its bid attached.
	Transfer(id string) (*Transfer, error)
	SaveTransfer(*Transfer) error
	// SaveMessage keeps a message that a bidder was shown.
	SaveMessage(*Message) error
	// Opening loads an opening with its tender attached.
	Opening(id string) (*Opening, error)
	// SaveOpening refuses a second opening of the same lot and envelope.
	SaveOpening(*Opening) error
	// Eligible lists the bids whose envelope may be opened now: those admitted
	// for B, those admitted and above the technical threshold for C.
	Eligible(lot string) ([]string, error)
	// DestroyKeys forgets the wrapped private halves of a lot's keys, and tells
	// the SHA-256 of each, in hex, by envelope.
	DestroyKeys(lot string) (map[tender.Envelope]string, error)
}

// Reader reads without a transaction of change.
type Reader interface {
	Bid(ctx context.Context, id string) (*Bid, error)
	// BidsBy lists a supplier's own bids by id.
	BidsBy(ctx context.Context, supplier, after string, limit int) ([]*Bid, error)
	// BidsFor lists the bids for a lot by id; while the lot is sealed, only
	// those of the supplier.
	BidsFor(ctx context.Context, lot, supplier, after string, limit int) ([]*Bid, error)
	Tender(ctx context.Context, id string) (*tender.Tender, error)
	// SupplierName is the name people know a supplier by.
	SupplierName(ctx context.Context, id string) (string, error)
	Transfer(ctx context.Context, id string) (*Transfer, error)
	// Transfers lists the uploads of a bid by id.
	Transfers(ctx context.Context, bid string) ([]*Transfer, error)
	// AbandonedTransfers lists unfinished uploads begun before the instant.
	AbandonedTransfers(ctx context.Context, before time.Time) ([]*Transfer, error)
	// LotStateOf is the state of the lot a bid is for, without reading the bid.
	LotStateOf(ctx context.Context, bid string) (tender.State, error)
	// ScrubDue lists the submitted envelopes for lots not yet evaluated that
	// nobody has hashed since an instant, without reading any bid.
	ScrubDue(ctx context.Context, before time.Time) ([]Stored, error)
	// ClaimScrub claims the hashing of an envelope that nobody has hashed since
	// an instant; false when somebody has.
	ClaimScrub(ctx context.Context, h docs.Hash, now, before time.Time) (bool, error)
	// Messages lists what the bidder was shown about a bid.
	Messages(ctx context.Context, bid string) ([]*Message, error)
	// Now is the clock that decides.
	Now() (time.Time, error)
	// ContestedBids lists the bids for a lot with a contested late submission,
	// without supplier and members.
	ContestedBids(ctx context.Context, lot string) ([]*Bid, error)
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

// Request is what a sealer is asked about: the envelopes of one opening, with
// the platform's wrapped key and what custodians have sent. Messages are age
// files to the platform's key, each holding the pieces of one custodian
// (SharesMessage).
type Request struct {
	Scope     Scope    `json:"scope"`
	Wrapped   []byte   `json:"wrapped"`
	Envelopes []Sealed `json:"envelopes"`
	Messages  [][]byte `json:"messages"`
}

// Sealed is one envelope to be opened: whose it is, and its header.
type Sealed struct {
	Supplier string `json:"supplier"`
	Header   []byte `json:"header"`
}

// SharesMessage is what a custodian sends: its pieces of every envelope, by
// supplier.
type SharesMessage struct {
	Lot      string                 `json:"lot"`
	Envelope string                 `json:"envelope"`
	Pieces   map[string][]seal.Part `json:"pieces"`
}

// Weight is what a sealer says of the pieces for one envelope: whose places
// they are, and those that do not fit what the bidder committed to.
type Weight struct {
	Places []int `json:"places,omitempty"`
	Unfit  []int `json:"unfit,omitempty"`
}

// Released is the sealer's answer for one envelope: its file key and who dealt
// or released falsely, or why it does not open.
type Released struct {
	FileKey []byte
	Falsity seal.Falsity
	Err     error
}

// Sealer holds the private halves of the keys. It releases the key of an
// envelope only after convincing itself that the opening of exactly that lot
// and envelope has been committed, and that the bidder's envelope is part of
// it: those of excluded bidders stay sealed.
type Sealer interface {
	// Weigh reads the first message and tells what is in it, envelope by
	// envelope.
	Weigh(ctx context.Context, r Request) ([]Weight, error)
	Release(ctx context.Context, r Request) ([]Released, error)
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
