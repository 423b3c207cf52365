// Package award takes opened bids to the award: admissions, technical scores
// and their lock, economic scores, ranking, proposal, checks, award, notices
// and standstill.
//
// It promises that every computed figure is exact and can be recomputed from
// what it keeps, that technical scores cannot change once an economic envelope
// may be opened, and that no decision a person must take is taken by the
// program. It does not know how envelopes are sealed or stored.
package award
