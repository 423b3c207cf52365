package act

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sigillo/internal/fault"
)

// phases are subjects as one tender's life makes them; the officials below
// belong to it.
var phases = []struct {
	name    string
	subject Subject
}{
	{"draft", Subject{State: "draft"}},
	{"published", Subject{State: "published", Published: true, Public: true}},
	{"invited", Subject{State: "published", Published: true, Invited: []string{"acme"}}},
	{"opened", Subject{State: "administrative-opened", Published: true, Public: true, Opened: true}},
}

func whole(s Subject, kind string) Subject {
	s.Type, s.ID, s.Authority, s.Tender, s.Lot = kind, "1", "city", "t", "l"
	s.Team = Team{RUP: "rup", Seggio: []string{"seggio"}, Commission: []string{"commissioner"}}
	if kind == "bid" || kind == "supplier" || kind == "question" || kind == "webhook" {
		s.Supplier = "acme"
	}
	if kind == "bid" || kind == "opening" || kind == "evaluation" || kind == "webhook" {
		s.Public, s.Published = false, false
	}
	return s
}

// kindOf says what each action is done to.
func kindOf(a Action) string {
	for kind, names := range map[string][]Action{
		"authority":  {RegisterAuthority, ViewAuthority, ExportAudit, ExportBundle, SearchAudit, ViewEntry, ViewState, CreateTender},
		"supplier":   {RegisterSupplier, ViewSupplier},
		"person":     {RegisterPerson, GrantPower, RevokePower, ErasePerson, ViewPerson},
		"paper":      {StoreDocument},
		"question":   {AskQuestion, AnswerQuestion, ViewQuestion},
		"stamp":      {StampCheckpoint, ListStamps, ViewCosigned},
		"webhook":    {SubscribeWebhook, ListWebhooks, EndWebhook, GiveUpWebhook},
		"bid":        {UploadEnvelope, SubmitBid, ConfirmBid, WithdrawBid, ViewBid},
		"opening":    {UnsealEnvelopes, ViewOpening, ReadEnvelope},
		"evaluation": {DecideAdmission, ConcludeAdmissions, ScoreTechnical, LockScores, RankBids, ProposeAward, VerifyAward, AdoptAward, NotifyAward, DeclineAward, ViewEvaluation},
	} {
		if slices.Contains(names, a) {
			return kind
		}
	}
	return "tender"
}

func actorOf(role Role) Actor {
	switch role {
	case Anonymous:
		return Nobody()
	case Clock:
		return Time()
	case Administrator:
		return Actor{KindPerson, "admin", []Power{{Role: role}}}
	case Supplier:
		return Actor{KindPerson, "bidder", []Power{{Role: role, Supplier: "acme"}}}
	}
	return Actor{KindPerson, string(role), []Power{{Role: role, Authority: "city"}}}
}

func outcome(err error) string {
	switch f := fault.Of(err); {
	case f == nil:
		return "yes"
	case f.Kind == fault.NotFound:
		return "unseen"
	case f.Kind == fault.Unauthenticated:
		return "login"
	}
	return "no"
}

// TestMatrix draws role x action x phase. A change of the drawing is a change
// of who may do what, and is reviewed as such.
func TestMatrix(t *testing.T) {
	var b strings.Builder
	for _, phase := range phases {
		fmt.Fprintf(&b, "%-20s", strings.ToUpper(phase.name))
		for _, r := range Roles() {
			fmt.Fprintf(&b, " %-13s", r)
		}
		b.WriteString("\n")
		for _, a := range Actions() {
			fmt.Fprintf(&b, "%-20s", a)
			for _, r := range Roles() {
				_, err := Permit(actorOf(r), a, whole(phase.subject, kindOf(a)))
				fmt.Fprintf(&b, " %-13s", outcome(err))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	got := strings.Join(lines, "\n")
	const golden = "testdata/matrix.txt"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != got {
		t.Fatalf("the matrix is not %s (%v); if the change is meant, run with UPDATE_GOLDEN=1 and review the difference", golden, err)
	}
}

// What follows holds whatever the drawing says.

func TestINV2NobodyButTheBidderSeesASealedBid(t *testing.T) {
	for _, phase := range phases[:3] {
		for _, r := range Roles() {
			for _, a := range []Action{ViewBid, ViewOpening, ReadEnvelope, ViewEvaluation, DecideAdmission} {
				_, err := Permit(actorOf(r), a, whole(phase.subject, kindOf(a)))
				if allowed := outcome(err); allowed == "yes" && !(r == Supplier && a == ViewBid) || allowed == "no" && a == ViewBid {
					t.Errorf("%s: %s may %s (%s)", phase.name, r, a, allowed)
				}
			}
		}
	}
}

func TestAT095TheAdministratorHasNoBusinessPowers(t *testing.T) {
	platform := []string{"authority", "supplier", "person", "webhook"}
	for _, a := range Actions() {
		kind := kindOf(a)
		if slices.Contains(platform, kind) && !slices.Contains(RolesOf(a), Auditor) && a != CreateTender || slices.Contains(RolesOf(a), Anonymous) || a == IssueToken {
			continue
		}
		for _, phase := range phases {
			if _, err := Permit(actorOf(Administrator), a, whole(phase.subject, kind)); err == nil {
				t.Errorf("%s: the administrator may %s", phase.name, a)
			}
		}
	}
}

func TestAT094NobodyReachesIntoAnotherAuthority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(Actions()).Draw(t, "action")
		role := rapid.SampledFrom([]Role{Drafter, RUP, Signatory, Seggio, Commissioner, Auditor}).Draw(t, "role")
		phase := rapid.SampledFrom(phases).Draw(t, "phase")
		who := Actor{KindPerson, string(role), []Power{{Role: role, Authority: "another city"}}}
		if _, err := Permit(who, a, whole(phase.subject, kindOf(a))); err == nil {
			if _, err := Permit(Nobody(), a, whole(phase.subject, kindOf(a))); err != nil {
				t.Fatalf("%s of another authority may %s", role, a)
			}
		}
	})
}

func TestWhatIsNotInTheTableIsRefused(t *testing.T) {
	for _, r := range Roles() {
		if _, err := Permit(actorOf(r), "open-everything", whole(phases[3].subject, "tender")); err == nil {
			t.Errorf("%s may do what no row names", r)
		}
	}
}

func TestTheTableHasEachActionOnceWithATitle(t *testing.T) {
	seen := map[Action]bool{}
	for _, a := range Actions() {
		if seen[a] || Title(a).IT == "" || Title(a).EN == "" || len(RolesOf(a)) == 0 {
			t.Errorf("%s: twice, without a title or without a role", a)
		}
		seen[a] = true
	}
}
