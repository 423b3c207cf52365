package seal

import (
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"

	"sigillo/internal/fault"
)

// Part is one piece of the file key of an envelope, as its holder unwrapped it.
type Part struct {
	Index int    `json:"index"` // 0 for the platform, else the place in the notice, from 1
	Share []byte `json:"share"` // 16 bytes
	// Fits the commitment in the header: if not, the bidder wrapped something
	// else, or this is not what was wrapped, or the envelope is for another
	// purpose.
	Fits bool `json:"-"`
}

// Parts unwraps the pieces of an envelope's file key that an identity opens.
// Faults: not-sealed, cannot-unseal when there is none.
func Parts(header []byte, want Label, id age.Identity) ([]Part, error) {
	s, ok := read(header)
	if !ok {
		return nil, cannot("the header is not of this format")
	}
	var mine []Part
	for i, one := range s.shares {
		piece, err := id.Unwrap([]*age.Stanza{one.inner})
		if err != nil || len(piece) != len(part{}) {
			continue
		}
		mine = append(mine, Part{Index: i, Share: piece, Fits: fits(s, want, i, part(piece))})
	}
	if mine == nil {
		return nil, cannot("it is sealed to another key, or altered")
	}
	return mine, nil
}

func fits(s shape, want Label, i int, piece part) bool {
	return same(commitment(piece, i, want.context()), s.shares[i].commitment)
}

// Fit tells of every given piece whether it fits the commitment in the header.
// A piece with an impossible index or length does not.
func Fit(header []byte, want Label, pieces []Part) []Part {
	s, ok := read(header)
	out := slices.Clone(pieces)
	for i, p := range out {
		out[i].Fits = ok && p.Index >= 0 && p.Index < len(s.shares) && len(p.Share) == len(part{}) && fits(s, want, p.Index, part(p.Share))
	}
	return out
}

// Falsity says whose doing a false piece is, once the file key is known.
type Falsity struct {
	// Dealt lists the places whose commitment in the header is not what the
	// file key demands: the bidder's doing.
	Dealt []int `json:"dealt,omitempty"`
	// Released lists the places whose released piece is not the true one while
	// the commitment is: not what the header committed to.
	Released []int `json:"released,omitempty"`
}

// Combine puts the file key of an envelope together from the platform's piece
// and those of at least as many custodians as its header asks for. It is not
// led astray by false pieces as long as enough true ones are there, and says
// which were false. Faults: not-enough-shares, foreign-envelope,
// cannot-unseal.
func Combine(header []byte, want Label, pieces []Part) ([]byte, Falsity, error) {
	s, ok := read(header)
	if !ok {
		return nil, Falsity{}, cannot("the header is not of this format")
	}
	pieces = Fit(header, want, pieces)
	// True pieces first: with an honest bidder the first choice is right.
	slices.SortStableFunc(pieces, func(a, b Part) int {
		switch {
		case a.Fits == b.Fits:
			return 0
		case a.Fits:
			return -1
		}
		return 1
	})
	byPlace := map[int]Part{}
	var order []int
	for _, p := range pieces {
		if _, twice := byPlace[p.Index]; twice || p.Index < 0 || p.Index >= len(s.shares) || len(p.Share) != len(part{}) {
			continue
		}
		byPlace[p.Index] = p
		if p.Index > 0 {
			order = append(order, p.Index)
		}
	}
	platform, ok := byPlace[0]
	if !ok {
		return nil, Falsity{}, cannot("the platform's piece does not unwrap")
	}
	if len(order) < s.threshold {
		return nil, Falsity{}, fault.New(fault.Conflict, "not-enough-shares", "Non ci sono ancora abbastanza quote per aprire: %d di %d.",
			"There are not enough shares to open yet: %d of %d.", len(order), s.threshold)
	}
	var key []byte
	choices(order, s.threshold, func(chosen []int) bool {
		places, shares := make([]byte, 0, len(chosen)), make([]part, 0, len(chosen))
		for _, i := range chosen {
			places, shares = append(places, byte(i)), append(shares, part(byPlace[i].Share))
		}
		k := xor(xor(part(platform.Share), interpolate(places, shares)), binding(want.context()))
		if found, err := age.DecryptHeader(header, age.NewInjectedFileKeyIdentity(k[:])); err == nil {
			key = found
		}
		return key == nil
	})
	if key == nil {
		if !slices.ContainsFunc(pieces, func(p Part) bool { return p.Fits }) {
			return nil, Falsity{}, foreign()
		}
		var astray []int
		for _, p := range pieces {
			if !p.Fits {
				astray = append(astray, p.Index)
			}
		}
		return nil, Falsity{}, cannot(fmt.Sprintf("the shares give no key; those of the places %v do not fit the header", astray))
	}
	return key, judge(s, want, part(key), byPlace), nil
}

// Judge says, with the true file key, which pieces were dealt or released
// falsely; it is how an auditor checks an opening.
func Judge(header []byte, want Label, fileKey []byte, pieces []Part) (Falsity, error) {
	s, ok := read(header)
	if !ok || len(fileKey) != len(part{}) {
		return Falsity{}, cannot("the header is not of this format")
	}
	byPlace := map[int]Part{}
	for _, p := range pieces {
		byPlace[p.Index] = p
	}
	return judge(s, want, part(fileKey), byPlace), nil
}

func judge(s shape, want Label, key part, released map[int]Part) Falsity {
	truth := deal(key, want.context(), s.threshold, len(s.shares)-1)
	var f Falsity
	for i := range s.shares {
		if !same(s.shares[i].commitment, truth.commitments[i]) {
			f.Dealt = append(f.Dealt, i)
		} else if p, ok := released[i]; ok && (len(p.Share) != len(part{}) || !same(part(p.Share), truth.shares[i])) {
			f.Released = append(f.Released, i)
		}
	}
	return f
}

// choices visits every choice of k of the given places, in order, until told to
// stop. With 12 places there are 924 at most.
func choices(of []int, k int, visit func([]int) bool) {
	var choose func(from int, chosen []int) bool
	choose = func(from int, chosen []int) bool {
		if len(chosen) == k {
			return visit(chosen)
		}
		for i := from; i <= len(of)-(k-len(chosen)); i++ {
			if !choose(i+1, append(chosen, of[i])) {
				return false
			}
		}
		return true
	}
	choose(0, make([]int, 0, k))
}

// cannot takes a fixed reason: a library's text may quote the header, which a
// bidder wrote.
func cannot(reason string) error {
	return fault.New(fault.Conflict, "cannot-unseal", "La busta non si apre con le chiavi di questo lotto.",
		"The envelope does not open with the keys of this lot.").Because(errors.New(reason))
}

func foreign() *fault.Fault {
	return fault.New(fault.Conflict, "foreign-envelope", "La busta è stata sigillata per un'altra gara, lotto, busta o operatore.",
		"The envelope was sealed for another tender, lot, envelope or supplier.")
}
