// Package feed tells the world what has become public: one change for each
// public act, in the order of the log.
//
// It promises that what is told is a function of the register alone, that
// nothing a bidder did and nothing of a draft is ever told, that no change is
// left out or told out of order, and that a change says no more than anybody
// may read at its link. Whoever subscribed gets each change at least once. It
// does not know how changes are kept, nor how they travel.
package feed
