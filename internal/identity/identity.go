// Package identity turns a secret shown at the door into an actor.
//
// It promises that only the hash of a secret is kept, and that a person acts
// with the powers in force now. It knows sessions of people and tokens of
// machines; it does not decide what anybody may do.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/parties"
)

// Session is the right to act as a person for a time.
type Session struct {
	ID        string     `json:"id"`
	Version   int        `json:"version"`
	Person    string     `json:"person"`
	Name      string     `json:"name,omitempty"` // of a machine's token
	Hash      string     `json:"hash"`           // SHA-256 of the secret, hex
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
}

// Subject of a session concerns its person alone.
func (s *Session) Subject() act.Subject {
	state := "open"
	if s.EndedAt != nil {
		state = "ended"
	}
	return act.Subject{Type: "session", ID: s.ID, Version: s.Version, State: state}
}

// Tx is what sessions need of a transaction.
type Tx interface {
	act.Tx
	Person(id string) (*parties.Person, error)
	SessionByHash(hash string) (*Session, error)
	SaveSession(*Session) error
}

// Reader reads without a transaction of change.
type Reader interface {
	SessionByHash(ctx context.Context, hash string) (*Session, error)
	Person(ctx context.Context, id string) (*parties.Person, error)
	PersonByEmail(ctx context.Context, email string) (*parties.Person, error)
}

// Service opens and ends sessions and recognises their secrets.
type Service struct {
	within act.Within[Tx]
	read   Reader
	now    func() time.Time
	demo   bool
}

// NewService wires sessions to a store and a clock. demo allows signing in by
// address alone, for demonstrations.
func NewService(within act.Within[Tx], read Reader, now func() time.Time, demo bool) *Service {
	return &Service{within, read, now, demo}
}

// sessionLife is how long a person stays signed in.
const sessionLife = 12 * time.Hour

// DemoLogin signs a person in without proof (open-session). It exists only
// where the configuration says this is a demonstration.
func (s *Service) DemoLogin(ctx context.Context, email string) (string, *Session, error) {
	if !s.demo {
		return "", nil, fault.Missing("demo login")
	}
	p, err := s.read.PersonByEmail(ctx, email)
	if err != nil {
		return "", nil, err
	}
	who := p.Actor(s.now())
	if len(who.Powers) == 0 {
		who.Powers = act.Nobody().Powers
	}
	return s.open(ctx, act.By(who), act.OpenSession, "sgl_s_", Session{Person: p.ID}, sessionLife)
}

// IssueToken gives a machine a token for a time (issue-token).
func (s *Service) IssueToken(ctx context.Context, call act.Call, person, name string, life time.Duration) (string, *Session, error) {
	if life <= 0 || life > 366*24*time.Hour || name == "" || len(name) > 100 {
		return "", nil, fault.New(fault.Invalid, "bad-token", "Indichi un nome e una durata da 1 ora a 366 giorni.", "Give a name and a life of 1 hour to 366 days.")
	}
	return s.open(ctx, call, act.IssueToken, "sgl_m_", Session{Person: person, Name: name}, life)
}

func (s *Service) open(ctx context.Context, call act.Call, action act.Action, prefix string, session Session, life time.Duration) (string, *Session, error) {
	var secret [32]byte
	rand.Read(secret[:])
	token := prefix + base64.RawURLEncoding.EncodeToString(secret[:])
	opened, err := act.Do(ctx, s.within, call, act.Deed[Tx, *Session]{
		Action: action, New: true,
		Load: func(tx Tx) (*Session, error) {
			if _, err := tx.Person(session.Person); err != nil {
				return nil, err
			}
			session.ID, session.Hash, session.CreatedAt, session.ExpiresAt = act.NewID(), hashOf(token), tx.Now(), tx.Now().Add(life)
			return &session, nil
		},
		Change: func(*Session, time.Time) (act.Facts, error) { return act.Facts{}, nil },
		Save:   Tx.SaveSession,
	})
	return token, opened, err
}

// Logout ends the session of a secret (close-session).
func (s *Service) Logout(ctx context.Context, who act.Actor, token string) error {
	_, err := act.Do(ctx, s.within, act.By(who), act.Deed[Tx, *Session]{
		Action: act.CloseSession,
		Load:   func(tx Tx) (*Session, error) { return tx.SessionByHash(hashOf(token)) },
		Change: func(x *Session, now time.Time) (act.Facts, error) { x.EndedAt = &now; return act.Facts{}, nil },
		Save:   Tx.SaveSession,
	})
	return err
}

// Authenticate returns the actor behind a secret, with the powers in force
// now; no secret is nobody. Fault: bad-token.
func (s *Service) Authenticate(ctx context.Context, token string) (act.Actor, *parties.Person, error) {
	if token == "" {
		return act.Nobody(), nil, nil
	}
	bad := fault.New(fault.Unauthenticated, "bad-token", "L'accesso è scaduto o non è valido: acceda di nuovo.", "The access has expired or is not valid: sign in again.")
	if !strings.HasPrefix(token, "sgl_") || len(token) > 100 {
		return act.Actor{}, nil, bad
	}
	session, err := s.read.SessionByHash(ctx, hashOf(token))
	if err != nil {
		if fault.Of(err).Kind == fault.NotFound {
			return act.Actor{}, nil, bad
		}
		return act.Actor{}, nil, err
	}
	now := s.now()
	if session.EndedAt != nil || !now.Before(session.ExpiresAt) {
		return act.Actor{}, nil, bad
	}
	p, err := s.read.Person(ctx, session.Person)
	if err != nil {
		return act.Actor{}, nil, err
	}
	who := p.Actor(now)
	who.Powers = append(who.Powers, act.Nobody().Powers...) // whatever the public may do, everybody may
	return who, p, nil
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
