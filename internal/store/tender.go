package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"sigillo/audit"
	"sigillo/docs"
	"sigillo/tender"
)

// lotRow repeats of a lot what the database must know to lock and to guard it.
type lotRow struct {
	ID       string `gorm:"primaryKey"`
	Tender   string
	Number   int
	State    string
	Deadline int64
	OpensAt  int64
	// KeysKept until they are destroyed, when the lot is revoked.
	KeysKept bool
	// TenderHash is of the tender's document as it stands.
	TenderHash string
}

func (lotRow) TableName() string { return "lot" }

// Tender loads a tender and locks its lots: nobody closes, opens or submits
// meanwhile.
func (tx *Tx) Tender(id string) (*tender.Tender, error) { return tx.tender(id, "UPDATE") }

// TenderShared loads a tender and keeps its lots from being closed.
func (tx *Tx) TenderShared(id string) (*tender.Tender, error) { return tx.tender(id, "SHARE") }

func (tx *Tx) tender(id, strength string) (*tender.Tender, error) {
	if err := tx.lockLots(strength, "tender = ?", id); err != nil {
		return nil, err
	}
	// Read only now: what was read before the lock could be old.
	return get[tender.Tender](tx.db, "tender", "tender", "id = ?", id)
}

// lockLots locks all lots of a tender, always in the same order, and notes
// their states.
func (tx *Tx) lockLots(strength, where string, id string) error {
	var rows []lotRow
	if err := tx.lock(strength).Where(where, id).Order("id").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		tx.states[row.ID] = tender.State(row.State)
	}
	return nil
}

// SaveTender saves a tender with its lots. A lot's state is changed where it is
// the one that was loaded, on top of the tender's version.
func (tx *Tx) SaveTender(t *tender.Tender) error {
	var hash string
	err := tx.putAs("tender", "tender", t.ID, &t.Version, map[string]any{"authority": t.Buyer.ID}, func() (string, error) {
		doc, err := json.Marshal(t)
		hash = audit.HashText(doc)
		return string(doc), err
	})
	if err != nil {
		return err
	}
	var kept []string
	for _, l := range t.Lots {
		kept = append(kept, l.ID)
	}
	if t.PublishedAt == nil { // a draft may drop lots
		if err := tx.db.Where("tender = ? AND state = 'draft' AND id NOT IN ?", t.ID, append(kept, "")).Delete(&lotRow{}).Error; err != nil {
			return err
		}
	}
	for _, l := range t.Lots {
		row := lotRow{l.ID, t.ID, l.Number, string(l.State), t.Timetable.Deadline.UnixMicro(), t.Timetable.OpensAt.UnixMicro(), l.KeysDestroyedAt == nil, hash}
		old, loaded := tx.states[l.ID]
		if !loaded {
			if err := tx.db.Create(&row).Error; err != nil {
				return told(err, "lot")
			}
			continue
		}
		r := tx.db.Model(&lotRow{}).Where("id = ? AND state = ?", l.ID, string(old)).
			Select("number", "state", "deadline", "opens_at", "keys_kept", "tender_hash").Updates(&row)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			return stale()
		}
	}
	return nil
}

// tenderBy is a tender of which a lot is locked, by the hash that stands there.
// It is for reading only: other transactions have it at the same time.
func (tx *Tx) tenderBy(id, hash string) (*tender.Tender, error) {
	if t := tx.store.known.tender(hash); t != nil {
		return t, nil
	}
	var doc []byte
	if err := tx.db.Raw("SELECT doc FROM tender WHERE id = ?", id).Row().Scan(&doc); err != nil {
		return nil, err
	}
	t := new(tender.Tender)
	if err := json.Unmarshal(doc, t); err != nil {
		return nil, err
	}
	if audit.HashText(doc) == hash {
		tx.store.known.keep(hash, t)
	}
	return t, nil
}

// known are tenders that were read, by the hash of their documents: whatever
// becomes of the database, a hash means the same tender.
type known struct {
	mu  sync.Mutex
	all map[string]*tender.Tender
}

// mostKnown bounds the memory they take.
const mostKnown = 256

func (k *known) tender(hash string) *tender.Tender {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all[hash]
}

func (k *known) keep(hash string, t *tender.Tender) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil || len(k.all) >= mostKnown {
		k.all = map[string]*tender.Tender{}
	}
	k.all[hash] = t
}

// keyRow is a key in custody: the private half is wrapped for the sealer.
type keyRow struct {
	Lot       string `gorm:"primaryKey"`
	Envelope  string `gorm:"primaryKey"`
	Recipient string
	Wrapped   []byte
}

func (keyRow) TableName() string { return "lot_key" }

// KeepKey stores the wrapped private half of a key.
func (tx *Tx) KeepKey(_ string, k tender.Key, wrapped []byte) error {
	tx.wrote = true
	return told(tx.db.Create(&keyRow{k.Lot, string(k.Envelope), k.Recipient, wrapped}).Error, "key")
}

// DestroyKeys forgets the wrapped private halves of a lot's keys, and tells the
// SHA-256 of each, in hex, by envelope.
func (tx *Tx) DestroyKeys(lot string) (map[tender.Envelope]string, error) {
	tx.wrote = true
	var rows []keyRow
	if err := tx.db.Where("lot = ?", lot).Find(&rows).Error; err != nil {
		return nil, err
	}
	gone := map[tender.Envelope]string{}
	for _, r := range rows {
		sum := sha256.Sum256(r.Wrapped)
		gone[tender.Envelope(r.Envelope)] = hex.EncodeToString(sum[:])
	}
	return gone, tx.db.Model(&keyRow{}).Where("lot = ?", lot).Update("wrapped", []byte{}).Error
}

// WrappedKey reads the private half of a key, as only the sealer can use it.
func (s *Store) WrappedKey(ctx context.Context, lot string, e tender.Envelope) ([]byte, error) {
	var row keyRow
	err := s.read.WithContext(ctx).Where("lot = ? AND envelope = ?", lot, string(e)).Take(&row).Error
	return row.Wrapped, told(err, "key")
}

// paperRow notes a document an authority stored.
type paperRow struct {
	SHA256    string `gorm:"column:sha256;primaryKey"`
	Authority string `gorm:"primaryKey"`
	Size      int64
	StoredAt  int64
}

func (paperRow) TableName() string { return "paper" }

// SavePaper notes a document; again is fine.
func (tx *Tx) SavePaper(p *tender.Paper) error {
	tx.wrote = true
	row := paperRow{p.Hash.String(), p.Authority, p.Size, p.StoredAt.UnixMicro()}
	return told(tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error, "document")
}

// DocumentExists tells whether the authority stored the document.
func (tx *Tx) DocumentExists(authority string, h docs.Hash) (bool, error) {
	return tx.exists("paper", "sha256 = ? AND authority = ?", h.String(), authority)
}

// Question loads a question with its tender, shared.
func (tx *Tx) Question(id string) (*tender.Question, error) {
	q, err := getVeiled[tender.Question](tx.store, tx.held, tx.lock("UPDATE"), "question", "question", "id = ?", id)
	if err != nil {
		return nil, err
	}
	t, err := tx.TenderShared(q.TenderID)
	if err != nil {
		return nil, err
	}
	return q.Attach(t), nil
}

// SaveQuestion saves a question.
func (tx *Tx) SaveQuestion(q *tender.Question) error {
	return tx.putVeiled("question", "question", q.ID, &q.Version, q, map[string]any{"tender": q.TenderID})
}

// Tender reads a tender.
func (s *Store) Tender(ctx context.Context, id string) (*tender.Tender, error) {
	return get[tender.Tender](s.read.WithContext(ctx), "tender", "tender", "id = ?", id)
}

// Tenders lists tenders by id.
func (s *Store) Tenders(ctx context.Context, f tender.Filter) ([]*tender.Tender, error) {
	q := s.read.WithContext(ctx)
	if f.Authority != "" {
		return list[tender.Tender](q, "tender", f.Limit, "id > ? AND authority = ?", f.After, f.Authority)
	}
	return list[tender.Tender](q, "tender", f.Limit, "id > ?", f.After)
}

// Questions lists the questions on a tender by id.
func (s *Store) Questions(ctx context.Context, id, after string, limit int) ([]*tender.Question, error) {
	t, err := s.Tender(ctx, id)
	if err != nil {
		return nil, err
	}
	all, err := listVeiled[tender.Question](s, threads{}, s.read.WithContext(ctx), "question", limit, "tender = ? AND id > ?", id, after)
	for _, q := range all {
		q.Attach(t)
	}
	return all, err
}

// tendersOf reads the tenders that rows point at, each once.
func tendersOf(db *gorm.DB, ids []string) (map[string]*tender.Tender, error) {
	slices.Sort(ids)
	all, err := list[tender.Tender](db, "tender", 0, "id IN ?", append(slices.Compact(ids), ""))
	found := map[string]*tender.Tender{}
	for _, t := range all {
		found[t.ID] = t
	}
	return found, err
}

// KeysInCustody tells whether any key has been wrapped for the sealer.
func (s *Store) KeysInCustody(ctx context.Context) (bool, error) {
	var n int64
	err := s.read.WithContext(ctx).Table("lot_key").Limit(1).Count(&n).Error
	return n > 0, err
}
