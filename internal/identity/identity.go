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
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/writing"
	"sigillo/parties"
	"strings"
	"time"
)

// Purpose is what a session was opened for.
type Purpose string

// The purposes.
const (
	Login   Purpose = "login"
	Machine Purpose = "machine"
)

// prefix lets people, and scanners for leaked secrets, tell what a secret is.
func (p Purpose) prefix() string {
	if p == Machine {
		return "sgl_m_"
	}
	return "sgl_s_"
}

// Session is the right to act as a person for a time.
type Session struct {
	ID        string     `json:"id"`
	Version   int        `json:"version"`
	Person    string     `json:"person"`
	Purpose   Purpose    `json:"purpose"`
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
	if p.Kind != act.KindPerson {
		return "", nil, fault.Missing("person")
	}
	who := p.Actor(s.now())
	if len(who.Powers) == 0 {
		who.Powers = act.Nobody().Powers
	}
	return s.open(ctx, act.By(who), act.OpenSession, Session{Purpose: Login, Person: p.ID}, sessionLife)
}

// Bounds of a token's life.
const (
	shortest = time.Hour
	longest  = 366 * 24 * time.Hour
)

// IssueToken gives a machine a token for a time, from an hour to 366 days
// (issue-token); of natural persons only to the asker: whoever could make
// tokens for others could act as them. The secret is told this once. Faults:
// bad-token-request, not-a-machine, not-found for the person.
func (s *Service) IssueToken(ctx context.Context, call act.Call, person, name string, life time.Duration) (string, *Session, error) {
	var fs fault.Fields
	if len(name) > 100 || !writing.Line(name) || !writing.Shows(name) {
		fs.Add("/name", "bad-name", "Indichi un nome, al massimo 100 byte, senza caratteri di controllo.", "Give a name, at most 100 bytes, without control characters.")
	}
	if life < shortest || life > longest {
		fs.Add("/hours", "out-of-range", "La durata va da 1 ora a 366 giorni.", "The life is from 1 hour to 366 days.")
	}
	if err := fs.Err("bad-token-request", "Token non rilasciato.", "No token issued."); err != nil {
		return "", nil, err
	}
	return s.open(ctx, call, act.IssueToken, Session{Purpose: Machine, Person: person, Name: name}, life)
}

// open begins a session from its outline. The outline is copied anew at each
// run, for the store may run a transaction twice.
func (s *Service) open(ctx context.Context, call act.Call, action act.Action, outline Session, life time.Duration) (string, *Session, error) {
	var secret [32]byte
	rand.Read(secret[:])
	token := outline.Purpose.prefix() + base64.RawURLEncoding.EncodeToString(secret[:])
	var tx Tx
	opened, err := act.Do(ctx, s.within, call, act.Deed[Tx, *Session]{
		Action: action, New: true,
		Load: func(x Tx) (*Session, error) {
			tx = x
			session := outline
			session.ID, session.Hash, session.CreatedAt, session.ExpiresAt = act.NewID(), hashOf(token), x.Now(), x.Now().Add(life)
			return &session, nil
		},
		// Only here is it known that the asker may learn who exists.
		Change: func(session *Session, _ time.Time) (act.Facts, error) {
			p, err := tx.Person(session.Person)
			if err == nil && session.Purpose == Machine && p.Kind != act.KindMachine && p.ID != call.Actor.ID {
				err = fault.New(fault.Forbidden, "not-a-machine", "Un token si rilascia a un sistema, mai al posto di un'altra persona.",
					"A token is issued to a machine, never in place of another person.")
			}
			return act.Facts{Data: map[string]string{"person": session.Person}}, err
		},
		Save: Tx.SaveSession,
	})
	if err != nil {
		return "", nil, err
	}
	return token, opened, nil
}

// Logout ends the session of a secret (close-session), which is its holder's
// alone. Faults: not-found, already-ended.
func (s *Service) Logout(ctx context.Context, who act.Actor, token string) error {
	_, err := act.Do(ctx, s.within, act.By(who), act.Deed[Tx, *Session]{
		Action: act.CloseSession,
		Load: func(tx Tx) (*Session, error) {
			session, err := tx.SessionByHash(hashOf(token))
			if err == nil && session.Person != who.ID {
				return nil, fault.Missing("session")
			}
			return session, err
		},
		Change: func(x *Session, now time.Time) (act.Facts, error) {
			if x.EndedAt != nil {
				return act.Facts{}, fault.New(fault.Conflict, "already-ended", "L'accesso è già terminato.", "The session has already ended.")
			}
			x.EndedAt = &now
			return act.Facts{Data: map[string]string{"person": x.Person}}, nil
		},
		Save: Tx.SaveSession,
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
	// Looking up by hash tells a guesser nothing by its duration: what is
	// compared is the hash, of which no part can be chosen.
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
