package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"sigillo/feed"
	"sigillo/internal/act"
)

// Webhook loads a webhook.
func (tx *Tx) Webhook(id string) (*feed.Webhook, error) {
	return getVeiled[feed.Webhook](tx.store, tx.held, tx.lock("UPDATE"), "webhook", "webhook", "id = ?", id)
}

// SaveWebhook saves a webhook, with its secret, under the veil.
func (tx *Tx) SaveWebhook(w *feed.Webhook) error {
	mark, err := tx.store.ownerMark(tx.ctx(), w.Owner)
	if err != nil {
		return err
	}
	return tx.putVeiled("webhook", "webhook", w.ID, &w.Version, w, map[string]any{"owner": mark, "active": w.EndedAt == nil})
}

// ownerMark is what the webhooks of an owner are found by.
func (s *Store) ownerMark(ctx context.Context, o feed.Owner) (string, error) {
	m, err := s.marker(ctx, "webhook", o.Authority+"\n"+o.Supplier)
	if err != nil {
		return "", err
	}
	return m.at("webhook.owner"), nil
}

// ActiveWebhooks counts those of an owner.
func (tx *Tx) ActiveWebhooks(o feed.Owner) (int, error) {
	mark, err := tx.store.ownerMark(tx.ctx(), o)
	if err != nil {
		return 0, err
	}
	var n int64
	err = tx.db.Table("webhook").Where("owner = ? AND active", mark).Count(&n).Error
	return int(n), err
}

// Begin sets the course of a new webhook.
func (tx *Tx) Begin(webhook, after string) error {
	n, err := changeNumber(tx.db, after)
	if err == nil && after == "" {
		n, err = lastChange(tx.db)
	}
	if err != nil {
		return err
	}
	tx.wrote = true
	row := courseRow{Webhook: webhook, Passed: n, Due: tx.Now().UnixMicro()}
	return tx.db.Create(&row).Error
}

func lastChange(db *gorm.DB) (n int64, err error) {
	return n, db.Raw("SELECT coalesce(max(n), 0) FROM feed_change").Row().Scan(&n)
}

// courseRow is how far a webhook has been told.
type courseRow struct {
	Webhook      string `gorm:"primaryKey"`
	Passed       int64
	Due          int64
	Attempts     int
	FailingSince *int64
	Outcome      string
	Status       int
	Delivered    int64
	DeliveredAt  *int64
	Claim        string
	ClaimedUntil int64
}

func (courseRow) TableName() string { return "webhook_course" }

func (r courseRow) course() feed.Course {
	return feed.Course{Passed: r.Passed, Due: time.UnixMicro(r.Due).UTC(), Attempts: r.Attempts, FailingSince: instantOf(r.FailingSince),
		Outcome: feed.Outcome(r.Outcome), Status: r.Status, Delivered: r.Delivered, DeliveredAt: instantOf(r.DeliveredAt)}
}

func instantOf(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	at := time.UnixMicro(*us).UTC()
	return &at
}

func microsOf(at *time.Time) *int64 {
	if at == nil {
		return nil
	}
	us := at.UnixMicro()
	return &us
}

// Webhooks lists those of an owner with their courses.
func (s *Store) Webhooks(ctx context.Context, o feed.Owner, after string, limit int) ([]feed.Told, error) {
	mark, err := s.ownerMark(ctx, o)
	if err != nil {
		return nil, err
	}
	db := s.read.WithContext(ctx)
	all, err := listVeiled[feed.Webhook](s, threads{}, db, "webhook", limit, "owner = ? AND id > ?", mark, after)
	if err != nil {
		return nil, err
	}
	ids := []string{""}
	for _, w := range all {
		ids = append(ids, w.ID)
	}
	var rows []courseRow
	if err := db.Where("webhook IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	courses := map[string]feed.Course{}
	for _, r := range rows {
		courses[r.Webhook] = r.course()
	}
	told := make([]feed.Told, len(all))
	for i, w := range all {
		told[i] = feed.Told{Webhook: w, Course: courses[w.ID]}
	}
	return told, nil
}

// What is due: something has become public that this webhook has not passed,
// its time has come, and nobody is at it.
const dueCourse = " FROM webhook_course c JOIN webhook w ON w.id = c.webhook WHERE w.active AND c.due <= ? AND c.claimed_until <= ? AND c.passed < (SELECT coalesce(max(n), 0) FROM feed_change)"

// Claim takes the next change that is due to any webhook, for as long as hold;
// nil when none is. It is no act: nothing is decided here.
func (s *Store) Claim(ctx context.Context, hold time.Duration) (*feed.Parcel, error) {
	for {
		row, err := s.claimCourse(ctx, hold)
		if err != nil || row == nil {
			return nil, err
		}
		p, err := s.parcel(ctx, row)
		if err != nil || p != nil {
			return p, err
		}
	}
}

// claimCourse takes the webhook that has waited longest.
func (s *Store) claimCourse(ctx context.Context, hold time.Duration) (*courseRow, error) {
	now, err := s.Now()
	if err != nil {
		return nil, err
	}
	var any int
	err = s.read.WithContext(ctx).Raw("SELECT 1"+dueCourse+" LIMIT 1", now.UnixMicro(), now.UnixMicro()).Row().Scan(&any)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil // SQLite's one writer is not troubled for nothing
	}
	if err != nil {
		return nil, err
	}
	lock := ""
	if s.postgres {
		lock = " FOR UPDATE OF c SKIP LOCKED"
	}
	var rows []courseRow
	err = s.db.WithContext(ctx).Raw("UPDATE webhook_course SET claim = ?, claimed_until = ? WHERE webhook = (SELECT c.webhook"+dueCourse+" ORDER BY c.due, c.webhook LIMIT 1"+lock+") RETURNING *",
		act.NewID(), now.Add(hold).UnixMicro(), now.UnixMicro(), now.UnixMicro()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// parcel finds what is next for a webhook that is claimed. If nothing is, all
// there is was for others: it is passed, and the claim given back.
func (s *Store) parcel(ctx context.Context, row *courseRow) (*feed.Parcel, error) {
	db := s.read.WithContext(ctx)
	var stored docRow
	if err := db.Table("webhook").Where("id = ?", row.Webhook).Take(&stored).Error; err != nil {
		return nil, err
	}
	c, err := fromPaper("webhook.doc/"+stored.ID, stored.Doc)
	if err != nil {
		return nil, err
	}
	texts, err := s.lift(ctx, threads{}, []cloth{c})
	if err != nil {
		return nil, err
	}
	p := &feed.Parcel{Webhook: new(feed.Webhook), Course: row.course(), Claim: row.Claim}
	if err := json.Unmarshal(texts[0], p.Webhook); err != nil {
		return nil, err
	}
	end, err := lastChange(db) // before the search: what comes after it is not passed
	if err != nil {
		return nil, err
	}
	next := db.Table("feed_change").Where("n > ? AND n <= ? AND action IN ?", row.Passed, end, p.Webhook.Actions()).Order("n").Limit(1)
	var found []changeRow
	if err := next.Find(&found).Error; err != nil {
		return nil, err
	}
	if len(found) == 0 {
		p.Course.Passed = end
		return nil, s.Settle(ctx, p)
	}
	t, err := s.Tender(ctx, found[0].Tender)
	if err != nil {
		return nil, err
	}
	p.Number, p.Change = found[0].N, found[0].change()
	p.Change.Complete(t)
	return p, nil
}

// Settle keeps the course of a webhook and gives the claim back, if it is still
// held.
func (s *Store) Settle(ctx context.Context, p *feed.Parcel) error {
	c := p.Course
	return s.db.WithContext(ctx).Exec(`UPDATE webhook_course SET passed = ?, due = ?, attempts = ?, failing_since = ?, outcome = ?, status = ?, delivered = ?, delivered_at = ?,
		claim = '', claimed_until = 0 WHERE webhook = ? AND claim = ?`, c.Passed, c.Due.UnixMicro(), c.Attempts, microsOf(c.FailingSince), string(c.Outcome), c.Status,
		c.Delivered, microsOf(c.DeliveredAt), p.Webhook.ID, p.Claim).Error
}
