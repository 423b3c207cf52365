package feed

import (
	"context"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/parties"
)

// ErrCursor answers who goes on from a change that there is not.
var ErrCursor = fault.New(fault.Invalid, "unknown-cursor", "Non c'è un cambiamento con questo identificativo: riparta dall'ultimo che ha ricevuto, o dall'inizio.",
	"There is no change with this id: go on from the last one you received, or begin anew.").
	At("query:after", "unknown", fault.T("cambiamento ignoto", "unknown change"))

// Tx is what webhooks need of a transaction.
type Tx interface {
	act.Tx
	Authority(id string) (*parties.Authority, error)
	Webhook(id string) (*Webhook, error)
	SaveWebhook(*Webhook) error
	// Begin sets the course of a new webhook: from the change of an id on, or
	// from the next one that there will be. Fault: ErrCursor.
	Begin(webhook, after string) error
	// ActiveWebhooks counts those of an owner.
	ActiveWebhooks(Owner) (int, error)
}

// Reader reads what has become public, and who is told.
type Reader interface {
	// Changes lists those after the change of an id, in the order of the log: of
	// all tenders where tender is "", else of one. Fault: ErrCursor.
	Changes(ctx context.Context, tender, after string, limit int) ([]Change, error)
	// Latest lists the last ones, the newest first.
	Latest(ctx context.Context, tender string, limit int) ([]Change, error)
	// Webhooks lists those of an owner, after an id.
	Webhooks(ctx context.Context, o Owner, after string, limit int) ([]Told, error)
}

// Told is a webhook and how it goes.
type Told struct {
	*Webhook
	Course Course
}

// Service tells what is public, and keeps who is to be told.
type Service struct {
	within act.Within[Tx]
	read   Reader
	post   Post
}

// NewService wires the feed to a store and a post.
func NewService(within act.Within[Tx], read Reader, post Post) *Service {
	return &Service{within, read, post}
}

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

// mostWebhooks is how many an owner may have at a time.
const mostWebhooks = 20

// Wish is what is asked for with a webhook.
type Wish struct {
	// Authority that is told; "" for the body the asker acts for.
	Authority string
	Address   string
	Kinds     []Kind // none: all
	// After is the change to begin after; "" for what is yet to come.
	After string
}

// Subscribe makes a webhook (subscribe-webhook). Its secret is told this once.
// Faults: bad-address, bad-webhook, unknown-cursor, too-many-webhooks.
func (s *Service) Subscribe(ctx context.Context, call act.Call, wish Wish) (*Webhook, error) {
	o, err := ownerOf(call.Actor, wish.Authority)
	if err != nil {
		return nil, err
	}
	if err := s.post.Check(wish.Address); err != nil {
		return nil, err
	}
	secret := newSecret()
	var tx Tx
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Webhook]{
		Action: act.SubscribeWebhook, New: true,
		Load: func(x Tx) (*Webhook, error) {
			tx = x
			return &Webhook{ID: act.NewID(), Owner: o, Address: wish.Address, Kinds: wish.Kinds, Secret: secret, CreatedAt: x.Now()}, nil
		},
		Change: func(w *Webhook, _ time.Time) (act.Facts, error) {
			if o.Authority != "" {
				if _, err := tx.Authority(o.Authority); err != nil {
					return act.Facts{}, err
				}
			}
			n, err := tx.ActiveWebhooks(o)
			if err == nil && n >= mostWebhooks {
				err = fault.New(fault.Conflict, "too-many-webhooks", "Ci sono già %d sottoscrizioni attive: ne termini una.", "There are %d active subscriptions already: end one.", n)
			}
			if err == nil {
				err = w.check()
			}
			return act.Facts{}, err
		},
		Save: func(tx Tx, w *Webhook) error {
			if err := tx.SaveWebhook(w); err != nil {
				return err
			}
			return tx.Begin(w.ID, wish.After)
		},
	})
}

// Webhooks lists those of the authority named, or of the body the asker acts
// for (list-webhooks), after the given id.
func (s *Service) Webhooks(ctx context.Context, who act.Actor, authority, after string, limit int) ([]Told, error) {
	o, err := ownerOf(who, authority)
	if err != nil {
		return nil, err
	}
	if err := act.See(who, act.ListWebhooks, &Webhook{Owner: o}); err != nil {
		return nil, err
	}
	return s.read.Webhooks(ctx, o, after, limit)
}

// End ends a webhook (end-webhook). Faults: not-found, already-ended.
func (s *Service) End(ctx context.Context, call act.Call, id string) (*Webhook, error) {
	return act.Do(ctx, s.within, call, act.Deed[Tx, *Webhook]{
		Action: act.EndWebhook,
		Load:   func(tx Tx) (*Webhook, error) { return tx.Webhook(id) },
		Change: func(w *Webhook, now time.Time) (act.Facts, error) { return act.Facts{}, w.stop(Unsubscribed, now) },
		Save:   Tx.SaveWebhook,
	})
}

// ownerOf is the authority named, or the body the actor acts for.
func ownerOf(who act.Actor, authority string) (Owner, error) {
	if authority != "" {
		return Owner{Authority: authority}, nil
	}
	for _, p := range who.Powers {
		if p.Role == act.Supplier || p.Role == act.Drafter {
			return Owner{Authority: p.Authority, Supplier: p.Supplier}, nil
		}
	}
	if who.Kind == act.KindAnonymous {
		return Owner{}, nil // whom the rules refuse
	}
	return Owner{}, fault.New(fault.Invalid, "no-owner", "Indichi la stazione appaltante.", "Name the contracting authority.").
		At("query:authority", "missing", fault.T("manca", "missing"))
}
