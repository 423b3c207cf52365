package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigillo/audit"
	"sigillo/docs"
)

// Bundle writes part of an authority's register as an archive that proves
// itself, under the checkpoint of that size, or of 0 under the newest: what is
// in the register now is under it. open opens a tender document. Nothing is
// written before all of it is put together. Fault: no-checkpoint.
func (l *Log) Bundle(ctx context.Context, scope audit.Scope, size uint64, w io.Writer, open func(docs.Hash) (io.ReadCloser, error)) error {
	if size == 0 {
		if _, err := l.Integrate(ctx); err != nil {
			return err
		}
	}
	verifier, err := note.NewVerifier(l.public)
	if err != nil {
		return err
	}
	b := bundling{s: l.store, ctx: ctx, scope: scope}
	head, err := b.head(size)
	if err != nil {
		return err
	}
	out, err := audit.NewBundleWriter(head, verifier, func() (audit.Scratch, error) { return newScratch() })
	if err != nil {
		return err
	}
	defer out.Close()
	b.out = out
	for more := true; more; {
		if more, err = b.portion(); err != nil {
			return err
		}
	}
	return out.Write(w, l.signer, func(sum string) (io.ReadCloser, error) {
		h, err := docs.ParseHash(sum)
		if err != nil {
			return nil, err
		}
		return open(h)
	})
}

// scratch is a file with no name: it is gone with the process, too.
type scratch struct{ *os.File }

func newScratch() (scratch, error) {
	f, err := os.CreateTemp("", "sigillo-bundle-*")
	if err != nil {
		return scratch{}, err
	}
	return scratch{f}, os.Remove(f.Name())
}

// bundling goes through the leaves of a scope, from next to end, excluded.
type bundling struct {
	s         *Store
	ctx       context.Context
	scope     audit.Scope
	sealed    []string
	out       *audit.BundleWriter
	size      uint64
	next, end int64
}

// head fixes the checkpoint first and then what is under seal: a tender that is
// opened meanwhile stays left out.
func (b *bundling) head(size uint64) (audit.BundleHead, error) {
	h := audit.BundleHead{Scope: b.scope}
	db := b.s.read.WithContext(b.ctx)
	var at int64
	err := db.Raw("SELECT size, note, at FROM audit_checkpoint WHERE note <> '' AND (size = ? OR ? = 0) ORDER BY size DESC LIMIT 1", size, size).
		Row().Scan(&b.size, &h.Note, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return h, ErrNoCheckpoint
	}
	if err != nil {
		return h, err
	}
	h.At = time.UnixMicro(at).UTC()
	err = db.Table("lot").Joins("JOIN tender ON tender.id = lot.tender").Where("tender.authority = ? AND lot.state IN ?", b.scope.Authority, sealedStates).
		Distinct().Order("lot.tender").Pluck("lot.tender", &b.sealed).Error
	if err != nil {
		return h, err
	}
	h.Sealed = b.sealed
	if b.scope.Tender != "" { // the others are none of this bundle's business
		h.Sealed = slices.DeleteFunc(slices.Clone(b.sealed), func(t string) bool { return t != b.scope.Tender })
	}
	return h, b.bounds()
}

// bounds are the leaves of the first and the last act in the period.
func (b *bundling) bounds() error {
	b.end = int64(b.size)
	for _, side := range []struct {
		at    *time.Time
		what  string
		bound *int64
	}{{b.scope.From, "coalesce(min(l.idx), 1 << 62) FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE e.at >= ?", &b.next},
		{b.scope.To, "coalesce(max(l.idx), -1) + 1 FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry WHERE e.at < ?", &b.end}} {
		if side.at == nil {
			continue
		}
		where, args := b.within()
		args = append([]any{side.at.UnixMicro()}, args...)
		if err := b.s.read.WithContext(b.ctx).Raw("SELECT "+side.what+" AND "+where, args...).Row().Scan(side.bound); err != nil {
			return err
		}
	}
	return nil
}

// within are the leaves of the authority, or of one tender of it.
func (b *bundling) within() (string, []any) {
	if b.scope.Tender == "" {
		return "l.tenant = ? AND l.idx < ?", []any{b.scope.Authority, b.size}
	}
	return "l.tenant = ? AND l.idx < ? AND l.tender = ?", []any{b.scope.Authority, b.size, b.scope.Tender}
}

// portion adds the next leaves, and tells whether there may be more.
func (b *bundling) portion() (bool, error) {
	where, args := b.within()
	from := " FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry "
	where = "WHERE l.idx >= ? AND l.idx < ? AND " + where + " AND NOT (e.bidder AND e.tender IN ?)"
	args = append(append([]any{b.next, b.end}, args...), append(slices.Clone(b.sealed), "-"))
	rows, err := b.s.read.WithContext(b.ctx).Raw("SELECT l.idx, l.tender, l.tender_seq, e.bidder, e.body, e.salt, e.leaf"+from+where+" ORDER BY l.idx LIMIT ?",
		append(args, portion)...).Rows()
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var places []audit.Place
	var raw []trailRow
	for rows.Next() {
		var p audit.Place
		var r trailRow
		if err := rows.Scan(&p.Index, &p.Tender, &p.TenderSeq, &r.bidder, &r.body, &r.salt, &r.leaf); err != nil {
			return false, err
		}
		if slices.Contains(b.sealed, p.Tender) {
			p.TenderSeq = 0 // gaps would tell how many acts are left out
		}
		places, raw = append(places, p), append(raw, r)
	}
	if err := rows.Err(); err != nil || len(places) == 0 {
		return false, err
	}
	last := int64(places[len(places)-1].Index) + 1
	states, err := b.states(b.next, last)
	if err != nil {
		return false, err
	}
	b.next = last
	i, tiles := 0, b.s.tiles(b.s.read.WithContext(b.ctx))
	err = b.s.visit(b.ctx, raw, func(r audit.Record) error {
		p := places[i]
		i++
		proof, err := audit.ProveInclusion(p.Index, b.size, tiles)
		if err != nil {
			return err
		}
		shown := states[p.Index]
		if err := b.documents(p.Tender, shown); err != nil {
			return err
		}
		return b.out.Entry(p, r, shown, proof)
	})
	return len(places) == portion, err
}

// states are the snapshots that the entries of a range left, as far as they may
// be shown.
func (b *bundling) states(from, to int64) (map[uint64][]audit.Shown, error) {
	where, args := b.within()
	args = append(append([]any{from, to}, args...), append(slices.Clone(b.sealed), "-"))
	rows, err := b.s.read.WithContext(b.ctx).Raw(`SELECT l.idx, l.tender, s.leaf, s.type, s.object, s.version, s.salt, s.doc
		FROM audit_leaf l JOIN audit_entry e ON e.id = l.entry JOIN audit_state s ON s.leaf = e.leaf
		WHERE l.idx >= ? AND l.idx < ? AND `+where+" AND NOT (e.bidder AND e.tender IN ?) ORDER BY l.idx, s.id", args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type place struct {
		index uint64
		leaf  []byte
		n     int // among the snapshots of its entry
	}
	var found []audit.Shown
	var places []place
	for rows.Next() {
		var at place
		var tender string
		var salt []byte
		var x audit.Shown
		if err := rows.Scan(&at.index, &tender, &at.leaf, &x.Object.Type, &x.Object.ID, &x.Object.Version, &salt, &x.Doc); err != nil {
			return nil, err
		}
		if last := len(places) - 1; last >= 0 && places[last].index == at.index {
			at.n = places[last].n + 1
		}
		switch {
		case len(salt) != 32:
			x.Withheld = audit.SnapshotErased
		case slices.Contains(b.sealed, tender) && slices.Contains(ofBidders, x.Object.Type):
			x.Withheld, x.Doc = audit.SnapshotUnderSeal, nil
		case x.Object.Type == "person": // a bundle goes from hand to hand
			x.Withheld, x.Doc = audit.SnapshotPrivate, nil
		default:
			x.Salt = [32]byte(salt)
		}
		found, places = append(found, x), append(places, at)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var hidden []cloth
	for i, x := range found {
		if underVeil(x.Doc) {
			hidden = append(hidden, cloth{statePlace(places[i].leaf, places[i].n), x.Doc})
		}
	}
	texts, err := b.s.lift(b.ctx, threads{}, hidden)
	if err != nil {
		return nil, err
	}
	all := map[uint64][]audit.Shown{}
	for i, x := range found {
		if underVeil(x.Doc) {
			x.Doc, texts = texts[0], texts[1:]
		}
		all[places[i].index] = append(all[places[i].index], x)
	}
	return all, nil
}
