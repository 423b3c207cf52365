package feed

import (
	"context"

	"sigillo/internal/act"
	"sigillo/internal/fault"
)

// ErrCursor answers who goes on from a change that there is not.
var ErrCursor = fault.New(fault.Invalid, "unknown-cursor", "Non c'è un cambiamento con questo identificativo: riparta dall'ultimo che ha ricevuto, o dall'inizio.",
	"There is no change with this id: go on from the last one you received, or begin anew.").
	At("query:after", "unknown", fault.T("cambiamento ignoto", "unknown change"))

// Reader reads what has become public.
type Reader interface {
	// Changes lists those after the change of an id, in the order of the log: of
	// all tenders where tender is "", else of one. Fault: ErrCursor.
	Changes(ctx context.Context, tender, after string, limit int) ([]Change, error)
	// Latest lists the last ones, the newest first.
	Latest(ctx context.Context, tender string, limit int) ([]Change, error)
}

// Service tells what is public, and keeps who is to be told.
type Service struct {
	read Reader
}

// NewService wires the feed to a store.
func NewService(read Reader) *Service { return &Service{read} }

// Changes lists what became public after a change, at most limit, and tells
// where to go on from: also when there is nothing more yet (list-changes).
func (s *Service) Changes(ctx context.Context, who act.Actor, tender, after string, limit int) ([]Change, string, error) {
	if _, err := act.Permit(who, act.ListChanges, act.Subject{}); err != nil {
		return nil, "", err
	}
	all, err := s.read.Changes(ctx, tender, after, limit)
	if len(all) > 0 {
		after = all[len(all)-1].ID
	}
	return all, after, err
}

// Latest lists what became public last (read-feed).
func (s *Service) Latest(ctx context.Context, who act.Actor, tender string, limit int) ([]Change, error) {
	if _, err := act.Permit(who, act.ReadFeed, act.Subject{}); err != nil {
		return nil, err
	}
	return s.read.Latest(ctx, tender, limit)
}
