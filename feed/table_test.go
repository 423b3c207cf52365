package feed

import (
	"regexp"
	"slices"
	"testing"

	"sigillo/audit"
	"sigillo/internal/act"
	"sigillo/tender"
)

// TestINV2NothingABidderMayDoIsEverTold: whatever is added to the table.
func TestINV2NothingABidderMayDoIsEverTold(t *testing.T) {
	seen := map[string]bool{}
	name := regexp.MustCompile(`^(tender|lot)\.[a-z_]+$`)
	for _, r := range public {
		if !act.Known(r.action) || slices.Contains(act.RolesOf(r.action), act.Supplier) {
			t.Errorf("%s: unknown, or a bidder's", r.action)
		}
		if !name.MatchString(string(r.kind)) || seen[string(r.kind)] || seen[string(r.action)] || r.title.IT == "" || r.title.EN == "" {
			t.Errorf("%s: badly described, or twice", r.action)
		}
		seen[string(r.kind)], seen[string(r.action)] = true, true
	}
}

// TestEveryEntryIsToldOnlyOfAPublicTenderAndNeverWhoActed goes through every
// action, actor and stage of a tender.
func TestEveryEntryIsToldOnlyOfAPublicTenderAndNeverWhoActed(t *testing.T) {
	for _, action := range act.Actions() {
		_, listed := rowOf(action)
		for _, power := range []act.Role{act.RUP, act.Signatory, act.Clock, act.Supplier} {
			for _, procedure := range tender.Procedures() {
				for _, out := range []bool{false, true} {
					about := &tender.Tender{ID: "t", Buyer: tender.Buyer{ID: "city"}}
					about.Procedure = procedure.Code
					if out {
						about.PublishedAt = &noon
					}
					e := audit.Entry{V: 1, ID: "id", At: noon, Tender: "t", Action: string(action), Actor: audit.Actor{ID: "ada", For: "acme", Powers: []string{string(power)}}}
					c, told := Of(e, about)
					if want := listed && power != act.Supplier && procedure.Public && out; told != want {
						t.Fatalf("%s by %s, %s, published %v: told %v", action, power, procedure.Code, out, told)
					}
					if told && c != (Change{ID: "id", Kind: c.Kind, Action: action, At: noon, Authority: "city", Tender: "t"}) {
						t.Fatalf("%+v", c)
					}
				}
			}
		}
	}
}
