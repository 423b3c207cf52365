package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"

	"gorm.io/gorm"

	"sigillo/bids"
	"sigillo/internal/fault"
	"sigillo/internal/sealer"
)

// Veil hides from whoever has the database what tells who has bid. The sealer
// is one.
type Veil interface {
	Veil(context.Context, sealer.Question) (sealer.Answer, error)
}

// Wear gives the store its veil. Without one it can do nothing that concerns a
// bidder: rows are never kept in clear instead.
func (s *Store) Wear(v Veil) { s.veil = v }

// noVeil is that of a store that was given none.
type noVeil struct{}

var errNoVeil = errors.New("a store without a veil neither keeps nor tells anything of bidders")

func (noVeil) Veil(context.Context, sealer.Question) (sealer.Answer, error) {
	return sealer.Answer{}, errNoVeil
}

// threadPurpose is what the sealer veils for the store.
const threadPurpose = "thread"

// thread is a fresh key for the texts of one act, and itself under the veil. So
// the sealer is asked once for each act, before its locks, and never sees a
// text.
type thread struct {
	key    []byte
	veiled []byte
}

// garb is what one act writes with. What says who has bid hangs by a thread of
// its own: a process that only counted or hashed bids never held it.
type garb struct{ who, rest thread }

func (tx *Tx) dress() (*garb, error) {
	if tx.garb == nil {
		if _, err := tx.dressed(nil); err != nil {
			return nil, err
		}
	}
	return tx.garb, nil
}

// dressed dresses, and with the same question fetches the keys of texts that
// will be read and marks names.
func (tx *Tx) dressed(all []cloth, names ...string) ([]string, error) {
	keys, err := tx.held.missing(all)
	if err != nil {
		return nil, err
	}
	fresh := make([]byte, 64)
	rand.Read(fresh)
	who, rest := fresh[:32:32], fresh[32:]
	a, err := tx.store.veil.Veil(tx.ctx(), sealer.Question{Purpose: threadPurpose, Hide: [][]byte{who, rest}, Lift: keys, Names: names})
	if err != nil {
		return nil, err
	}
	tx.garb = &garb{thread{who, a.Hidden[0]}, thread{rest, a.Hidden[1]}}
	return a.Marks, tx.held.hold(keys, a.Lifted)
}

// woven is the first byte of a veiled text; the second is the length of the
// veiled key that follows. No text in clear begins with it.
const woven = 1

// underVeil tells a veiled text from one in clear.
func underVeil(text []byte) bool { return len(text) > 0 && text[0] == woven }

// grain is the step in which texts grow under the veil, in bytes, so that their
// length does not tell a company from a group.
const grain = 512

// cover veils a text. Where it stands is bound to it, so that it opens nowhere
// else.
func (t thread) cover(place string, text []byte) []byte {
	padded := append(append(make([]byte, 0, len(text)+grain), text...), 0x80)
	padded = append(padded, make([]byte, (grain-len(padded)%grain)%grain)...)
	out := append([]byte{woven, byte(len(t.veiled))}, t.veiled...)
	return needle(t.key).Seal(out, nil, padded, []byte(place))
}

func needle(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the keys are ours, and of the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	return aead
}

// cloth is a veiled text and where it stands.
type cloth struct {
	place  string
	veiled []byte
}

var errCloth = errors.New("a veiled text was altered, or moved from its place")

func (c cloth) parts() (key, body []byte, err error) {
	if len(c.veiled) < 2 || c.veiled[0] != woven || len(c.veiled) < 2+int(c.veiled[1]) {
		return nil, nil, errCloth
	}
	end := 2 + int(c.veiled[1])
	return c.veiled[2:end], c.veiled[end:], nil
}

// threads are keys that were unveiled, by their veiled form.
type threads map[string][]byte

// missing are the veiled keys of texts that are not held yet.
func (t threads) missing(all []cloth) ([][]byte, error) {
	var keys [][]byte
	asked := map[string]bool{}
	for _, c := range all {
		key, _, err := c.parts()
		if err != nil {
			return nil, err
		}
		if name := string(key); t[name] == nil && !asked[name] {
			asked[name] = true
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (t threads) hold(veiled, keys [][]byte) error {
	for i, key := range keys {
		if len(key) != 32 {
			return errCloth
		}
		t[string(veiled[i])] = key
	}
	return nil
}

// fetch unveils the keys of texts, those not held yet, in one question.
func (s *Store) fetch(ctx context.Context, held threads, all []cloth) error {
	keys, err := held.missing(all)
	if err != nil || len(keys) == 0 {
		return err
	}
	a, err := s.veil.Veil(ctx, sealer.Question{Purpose: threadPurpose, Lift: keys})
	if err != nil {
		return err
	}
	return held.hold(keys, a.Lifted)
}

// lift unveils texts, asking the sealer at most once.
func (s *Store) lift(ctx context.Context, held threads, all []cloth) ([][]byte, error) {
	if err := s.fetch(ctx, held, all); err != nil {
		return nil, err
	}
	texts := make([][]byte, len(all))
	for i, c := range all {
		key, body, err := c.parts()
		if err != nil {
			return nil, err
		}
		text, err := needle(held[string(key)]).Open(nil, nil, body, []byte(c.place))
		if err != nil {
			return nil, errCloth
		}
		end := len(text) - 1
		for end >= 0 && text[end] == 0 {
			end--
		}
		if end < 0 || text[end] != 0x80 {
			return nil, errCloth
		}
		texts[i] = text[:end]
	}
	return texts, nil
}

// onPaper and fromPaper write veiled bytes in columns of text.
func onPaper(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func fromPaper(place, text string) (cloth, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	return cloth{place, b}, err
}

// marker marks what belongs to somebody. The mark differs from place to place:
// once one lot is open, nobody finds the same bidder in another.
type marker struct{ key string }

func (s *Store) marker(ctx context.Context, kind, id string) (marker, error) {
	a, err := s.veil.Veil(ctx, sealer.Question{Names: []string{named(kind, id)}})
	if err != nil {
		return marker{}, err
	}
	return marker{a.Marks[0]}, nil
}

func named(kind, id string) string { return kind + "\n" + id }

func (m marker) at(place string) string {
	h := hmac.New(sha256.New, []byte(m.key))
	h.Write([]byte(place))
	return hex.EncodeToString(h.Sum(nil))
}

// who says whose a bid is: all that names a bidder in it.
type who struct {
	Supplier string        `json:"supplier"`
	Members  []bids.Member `json:"members,omitempty"`
}

// bidRow is a bid under the veil.
type bidRow struct {
	ID, Doc, Who string
}

// nameless is a bid as it stands in the column doc.
func nameless(b *bids.Bid) ([]byte, error) {
	bare := *b
	bare.Supplier, bare.Members = "", nil
	return json.Marshal(&bare)
}

func (r bidRow) cloths(named bool) ([]cloth, error) {
	doc, err := fromPaper("bid.doc/"+r.ID, r.Doc)
	if err != nil || !named {
		return []cloth{doc}, err
	}
	w, err := fromPaper("bid.who/"+r.ID, r.Who)
	return []cloth{doc, w}, err
}

// unveiled reads bids, all with one question to the sealer. Unless named it
// does not learn whose they are.
func (s *Store) unveiled(ctx context.Context, held threads, rows []bidRow, named bool) ([]*bids.Bid, error) {
	var cloths []cloth
	for _, r := range rows {
		c, err := r.cloths(named)
		if err != nil {
			return nil, err
		}
		cloths = append(cloths, c...)
	}
	texts, err := s.lift(ctx, held, cloths)
	if err != nil {
		return nil, err
	}
	all := make([]*bids.Bid, len(rows))
	each := len(texts) / max(len(rows), 1)
	for i := range rows {
		all[i] = new(bids.Bid)
		if err := json.Unmarshal(texts[i*each], all[i]); err != nil {
			return nil, err
		}
		if named {
			var w who
			if err := json.Unmarshal(texts[i*each+1], &w); err != nil {
				return nil, err
			}
			all[i].Supplier, all[i].Members = w.Supplier, w.Members
		}
	}
	return all, nil
}

// getVeiled is get for a table whose documents are veiled whole.
func getVeiled[T any](s *Store, held threads, db *gorm.DB, table, what, where string, args ...any) (*T, error) {
	all, err := listVeiled[T](s, held, db.Limit(1), table, 0, where, args...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fault.Missing(what)
	}
	return all[0], nil
}

// listVeiled is list for such a table, with one question to the sealer.
func listVeiled[T any](s *Store, held threads, db *gorm.DB, table string, limit int, where string, args ...any) ([]*T, error) {
	rows, err := docRows(db, table, limit, where, args...)
	if err != nil {
		return nil, err
	}
	cloths := make([]cloth, len(rows))
	for i, row := range rows {
		if cloths[i], err = fromPaper(table+".doc/"+row.ID, row.Doc); err != nil {
			return nil, err
		}
	}
	texts, err := s.lift(db.Statement.Context, held, cloths)
	if err != nil {
		return nil, err
	}
	all := make([]*T, len(rows))
	for i := range rows {
		all[i] = new(T)
		if err := json.Unmarshal(texts[i], all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// putVeiled is put for such a table.
func (tx *Tx) putVeiled(table, what, id string, version *int, thing any, columns map[string]any) error {
	g, err := tx.dress()
	if err != nil {
		return err
	}
	return tx.putAs(table, what, id, version, columns, func() (string, error) {
		doc, err := json.Marshal(thing)
		return onPaper(g.who.cover(table+".doc/"+id, doc)), err
	})
}
