package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"sigillo/audit"
	"sigillo/bids"
	"sigillo/docs"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/sealer"
	"sigillo/internal/store/storetest"
	"sigillo/tender"
)

// spy notes what a veil is asked to lift.
type spy struct {
	under  Veil
	lifted [][]byte
	asked  int
}

func (s *spy) Veil(ctx context.Context, q sealer.Question) (sealer.Answer, error) {
	s.asked++
	s.lifted = append(s.lifted, q.Lift...)
	return s.under.Veil(ctx, q)
}

func rowOf(t testing.TB, s *Store, id string) bidRow {
	t.Helper()
	rows, err := bidRows(s.db, 0, "id = ?", id)
	if err != nil || len(rows) != 1 {
		t.Fatal(len(rows), err)
	}
	return rows[0]
}

// TestWhoCountsAndHashesBidsNeverLearnsWhose: closing and scrubbing go on while
// bids are sealed, in the process whose memory could be stolen.
func TestWhoCountsAndHashesBidsNeverLearnsWhose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		d := seedBid(t, s, noon.Add(time.Hour))
		if err := submit(s, "bid"); err != nil {
			t.Fatal(err)
		}
		watch := &spy{under: s.veil}
		s.Wear(watch)
		due, err := s.ScrubDue(t.Context(), noon)
		if err != nil || len(due) != 1 || watch.asked != 0 {
			t.Fatal(due, watch.asked, err)
		}
		var all []*bids.Bid
		err = s.Within(t.Context(), func(tx *Tx) error {
			all, err = tx.Nameless(d, "lot")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range all {
			if b.Supplier != "" || b.Members != nil {
				t.Errorf("%s is %s's", b.ID, b.Supplier)
			}
		}
		if watch.asked != 1 || len(all) != 2 || len(bids.Counting(all)) != 1 {
			t.Errorf("the sealer was asked %d times for a list of %d", watch.asked, len(all))
		}
		for _, id := range []string{"bid", "rival"} {
			c, err := rowOf(t, s, id).cloths(true)
			if err != nil {
				t.Fatal(err)
			}
			key, _, err := c[1].parts()
			if err != nil || slices.ContainsFunc(watch.lifted, func(x []byte) bool { return bytes.Equal(x, key) }) {
				t.Errorf("the key of who %s is was unveiled (%v)", id, err)
			}
		}
		named, err := s.Bid(t.Context(), "bid")
		if err != nil || named.Supplier != "s-bid" {
			t.Fatal(named, err)
		}
	})
}

func TestWhileALotIsSealedOnesOwnBidsAreRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon.Add(time.Hour))
		read := func(supplier string) (ids []string) {
			all, err := s.BidsFor(t.Context(), "lot", supplier, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range all {
				ids = append(ids, b.ID+" "+b.Supplier)
			}
			return ids
		}
		for _, state := range tender.States() {
			if err := s.db.Exec("UPDATE lot SET state = ?", string(state)).Error; err != nil {
				t.Fatal(err)
			}
			nobodys, own := strings.Join(read(""), ","), strings.Join(read("s-bid"), ",")
			if state.Sealed() && (nobodys != "" || own != "bid s-bid") {
				t.Errorf("%s: %q, %q", state, nobodys, own)
			}
			if !state.Sealed() && (nobodys != "bid s-bid,rival s-rival" || own != nobodys) {
				t.Errorf("%s: %q, %q", state, nobodys, own)
			}
		}
		mine, err := s.BidsBy(t.Context(), "s-rival", "", 10)
		if err != nil || len(mine) != 1 || mine[0].ID != "rival" {
			t.Fatal(mine, err)
		}
	})
}

// TestRowsTellNoBidder looks at the rows themselves.
func TestRowsTellNoBidder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon.Add(time.Hour))
		who := act.Actor{Kind: act.KindPerson, ID: "person-of-the-bidder", Powers: []act.Power{{Role: act.Supplier, Supplier: "s-bid"}}}
		call := act.Call{Actor: who, Key: "key-of-s-bid", Request: "r"}
		service := bids.NewService(Acts[bids.Tx](s), s, nil, nil)
		for range 2 { // the second finds the answer to the first
			b, err := service.Submit(t.Context(), call, "bid", []bids.Claim{{Envelope: "A", SHA256: docs.Hash{1}}}, bids.Pressed{})
			if err != nil || b.Supplier != "s-bid" || len(b.Sent) != 1 {
				t.Fatal(b, err)
			}
		}
		call.Request = "something else"
		if _, err := service.Withdraw(t.Context(), call, "bid"); fault.Of(err) == nil || fault.Of(err).Code != "idempotency-key-reused" {
			t.Fatal(err)
		}
		var text bytes.Buffer
		for _, table := range []string{"bid", "submission", "outcome", "audit_entry"} {
			rows, err := s.db.Table(table).Rows()
			if err != nil {
				t.Fatal(err)
			}
			columns, _ := rows.Columns()
			n := 0
			for ; rows.Next(); n++ {
				cells := make([]any, len(columns))
				for i := range cells {
					cells[i] = new([]byte)
				}
				if err := rows.Scan(cells...); err != nil {
					t.Fatal(err)
				}
				for _, c := range cells {
					cell := *c.(*[]byte)
					text.Write(append(cell, ' '))
					if plain, err := base64.StdEncoding.DecodeString(string(cell)); err == nil {
						text.Write(plain)
					}
				}
			}
			if rows.Close(); n == 0 {
				t.Errorf("%s is empty", table)
			}
		}
		for _, secret := range []string{"s-bid", "s-rival", "person-of-the-bidder", "key-of-s-bid", "submit-bid", "manifest\""} {
			if strings.Contains(text.String(), secret) {
				t.Errorf("rows tell %s", secret)
			}
		}
		if count(t, s, "outcome") != 1 {
			t.Fatal("not one outcome")
		}
	})
}

// TestTheMarksOfABidderDifferFromLotToLot: what an opening tells of one lot
// must tell nothing of another that is still sealed.
func TestTheMarksOfABidderDifferFromLotToLot(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	m, err := s.marker(t.Context(), "bidder", "x")
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.marker(t.Context(), "actor", "x")
	if err != nil || m.at("lot") == m.at("lot2") || m.at("lot") == other.at("lot") || m.at("lot") != m.at("lot") {
		t.Fatal(err)
	}
}

func TestAVeiledTextThatIsMovedOrAlteredIsRefused(t *testing.T) {
	s := open(t, storetest.SQLite(t), func() time.Time { return noon })
	seedBid(t, s, noon.Add(time.Hour))
	good := rowOf(t, s, "bid")
	for what, change := range map[string]string{
		"another's who":  "UPDATE bid SET who = (SELECT who FROM bid WHERE id = 'rival') WHERE id = 'bid'",
		"another's doc":  "UPDATE bid SET doc = (SELECT doc FROM bid WHERE id = 'rival') WHERE id = 'bid'",
		"doc for who":    "UPDATE bid SET who = doc WHERE id = 'bid'",
		"nothing":        "UPDATE bid SET who = '' WHERE id = 'bid'",
		"a short key":    "UPDATE bid SET who = 'AQA=' WHERE id = 'bid'",
		"no base64":      "UPDATE bid SET who = '?' WHERE id = 'bid'",
		"in clear":       `UPDATE bid SET doc = '{"id":"bid"}' WHERE id = 'bid'`,
		"clear, encoded": "UPDATE bid SET doc = '" + onPaper([]byte(`{"id":"bid"}`)) + "' WHERE id = 'bid'",
	} {
		if err := s.db.Exec(change).Error; err != nil {
			t.Fatal(err)
		}
		if b, err := s.Bid(t.Context(), "bid"); err == nil || strings.Contains(err.Error(), "s-bid") {
			t.Errorf("%s: %+v, %v", what, b, err)
		}
		if err := s.db.Exec("UPDATE bid SET doc = ?, who = ? WHERE id = 'bid'", good.Doc, good.Who).Error; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Bid(t.Context(), "bid"); err != nil {
		t.Fatal(err)
	}
}

// away is a sealer that does not answer.
type away struct{}

var errAway = fault.New(fault.Unavailable, "sealer-unavailable", "Non risponde.", "It does not answer.")

func (away) Veil(context.Context, sealer.Question) (sealer.Answer, error) {
	return sealer.Answer{}, errAway
}

// TestWithoutTheSealerNothingOfABidIsDone: a fault, no row in clear, and all
// else goes on.
func TestWithoutTheSealerNothingOfABidIsDone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, func() time.Time { return noon })
		seedBid(t, s, noon.Add(time.Hour))
		entries := count(t, s, "audit_entry")
		s.Wear(away{})
		if err := submit(s, "bid"); fault.Of(err) == nil || fault.Of(err).Code != "sealer-unavailable" {
			t.Fatal(err)
		}
		err := s.Within(t.Context(), func(tx *Tx) error {
			e := entryOf("q", "ask-question")
			e.Actor = audit.Actor{Kind: "person", ID: "p", Powers: []string{string(act.Supplier)}}
			return tx.Record(e, nil)
		})
		if fault.Of(err) == nil || fault.Of(err).Code != "sealer-unavailable" {
			t.Fatal(err)
		}
		if count(t, s, "submission") != 0 || count(t, s, "audit_entry") != entries {
			t.Fatal("something half done is left")
		}
		if err := within(s, func(tx *Tx) error { return tx.SaveAuthority(authority(7)) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Tender(t.Context(), "tender"); err != nil {
			t.Fatal(err)
		}
		bare, err := Open(dsn, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer bare.Close()
		if _, err := bare.Bid(t.Context(), "bid"); err == nil || !strings.Contains(err.Error(), "without a veil") {
			t.Fatal(err)
		}
	})
}

// TestLengthsTellLittle: a bid of one company and one of a small group are as
// long as each other.
func TestLengthsTellLittle(t *testing.T) {
	th := thread{make([]byte, 32), make([]byte, 60)}
	for _, n := range []int{0, 1, 300, grain - 1} {
		if got := len(th.cover("p", make([]byte, n))); got != len(th.cover("p", nil)) {
			t.Errorf("%d bytes make %d", n, got)
		}
	}
	s := &Store{veil: noVeil{}}
	for _, text := range []string{"", "x", "\x80\x00", strings.Repeat("y", grain), strings.Repeat("z", grain-1)} {
		got, err := s.lift(t.Context(), threads{string(th.veiled): th.key}, []cloth{{"p", th.cover("p", []byte(text))}})
		if err != nil || string(got[0]) != text {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
