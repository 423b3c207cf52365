// Package tender owns the procedure and its lots: what is bought, on which
// terms, under which dated rules of law, and where each lot stands.
//
// It promises that a tender is published whole and lawful or not at all, that a
// lot moves only along the one table in state.go, that its deadline has one
// source (Timetable.Deadline), and that the rules in force when the procedure
// started are frozen with it. It does not know who has bid, nor how bids are
// scored.
package tender
