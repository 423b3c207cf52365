package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"sigillo/award"
	"sigillo/internal/act"
	"sigillo/internal/fault"
	"sigillo/internal/money"
	"sigillo/tender"
)

// EvaluationView is all that has been decided about the bids for a lot.
type EvaluationView struct {
	Lot             string                 `json:"lot"`
	Version         int                    `json:"version"`
	State           tender.State           `json:"state"`
	Admissions      []award.Admission      `json:"admissions"`
	Scores          []award.TechnicalScore `json:"scores,omitempty"`
	ScoresHash      string                 `json:"scores_hash,omitempty"`
	LockedAt        *time.Time             `json:"locked_at,omitempty"`
	Ranking         *award.Ranking         `json:"ranking,omitempty" doc:"Punti e totali sono frazioni esatte."`
	Proposal        *award.Proposal        `json:"proposal,omitempty"`
	Checks          *award.Checks          `json:"checks,omitempty"`
	Decision        *award.Decision        `json:"decision,omitempty"`
	Notices         []award.Notice         `json:"notices,omitempty"`
	StandstillUntil *time.Time             `json:"standstill_until,omitempty" doc:"Prima di questo istante il contratto non si stipula (art. 18 c. 3)."`
}

func oneEvaluation(e *award.Evaluation, err error) (*one[EvaluationView], error) {
	if err != nil {
		return nil, err
	}
	l := e.Lot()
	return &one[EvaluationView]{etag(max(e.Version, 1)), EvaluationView{l.ID, e.Version, l.State, e.Admissions, e.Scores, e.ScoresHash, e.LockedAt,
		e.Ranking, e.Proposal, e.Checks, e.Decision, e.Notices, l.StandstillUntil}}, nil
}

type scoresBody struct {
	Scores []scoreBody `json:"scores" maxItems:"100"`
}

type scoreBody struct {
	Criterion string `json:"criterion" maxLength:"100"`
	Points    string `json:"points" maxLength:"20" doc:"Punti, come 17.25."`
	Reason    string `json:"reason" maxLength:"20000"`
}

func (a *API) evaluations() {
	const tag = "Valutazione e aggiudicazione"
	post := func(action act.Action, verb string) huma.Operation {
		return operation(action, http.MethodPost, "/v1/tenders/{id}/lots/{lot}/"+verb, tag, withKey, withVersion)
	}
	on(a, operation(act.ViewEvaluation, http.MethodGet, "/v1/tenders/{id}/lots/{lot}/evaluation", tag), func(ctx context.Context, call act.Call, in *ByLot) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.View(ctx, call.Actor, in.ID, in.Lot))
	})
	type OnBid struct {
		ByLot
		Bid string `path:"bid" maxLength:"100"`
	}
	on(a, post(act.DecideAdmission, "admissions/{bid}"), func(ctx context.Context, call act.Call, in *struct {
		OnBid
		Body struct {
			Verdict award.Verdict `json:"verdict" enum:"admitted,excluded"`
			Reason  string        `json:"reason,omitempty" maxLength:"20000"`
		}
	}) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Decide(ctx, call, in.ID, in.Lot, in.Bid, in.Body.Verdict, in.Body.Reason))
	})
	on(a, post(act.ConcludeAdmissions, "conclude-admissions"), func(ctx context.Context, call act.Call, in *ByLot) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Conclude(ctx, call, in.ID, in.Lot))
	})
	on(a, post(act.ScoreTechnical, "scores/{bid}"), func(ctx context.Context, call act.Call, in *struct {
		OnBid
		Body scoresBody
	}) (*one[EvaluationView], error) {
		var fs fault.Fields
		var scores []award.TechnicalScore
		for i, s := range in.Body.Scores {
			points, err := money.ParseDecimal(s.Points)
			note(&fs, fmt.Sprintf("/scores/%d/points", i), err)
			scores = append(scores, award.TechnicalScore{Criterion: s.Criterion, Points: points, Reason: s.Reason})
		}
		if err := fs.Err("bad-scores", "Punteggi non validi.", "Invalid scores."); err != nil {
			return nil, err
		}
		return oneEvaluation(a.s.Awards.Score(ctx, call, in.ID, in.Lot, in.Bid, scores))
	})
	on(a, post(act.LockScores, "lock-scores"), func(ctx context.Context, call act.Call, in *ByLot) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Lock(ctx, call, in.ID, in.Lot))
	})
	on(a, post(act.RankBids, "rank"), func(ctx context.Context, call act.Call, in *ByLot) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Rank(ctx, call, in.ID, in.Lot))
	})
	on(a, post(act.ProposeAward, "propose-award"), func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Body struct {
			Bid    string `json:"bid" maxLength:"100"`
			Reason string `json:"reason,omitempty" maxLength:"20000"`
		}
	}) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Propose(ctx, call, in.ID, in.Lot, in.Body.Bid, in.Body.Reason))
	})
	on(a, post(act.VerifyAward, "verify-award"), func(ctx context.Context, call act.Call, in *struct {
		ByLot
		Body struct {
			Passed bool   `json:"passed"`
			Report string `json:"report" maxLength:"20000"`
		}
	}) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Verify(ctx, call, in.ID, in.Lot, in.Body.Passed, in.Body.Report))
	})
	type reasoned struct {
		ByLot
		Body ReasonBody
	}
	on(a, post(act.AdoptAward, "award"), func(ctx context.Context, call act.Call, in *reasoned) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Adopt(ctx, call, in.ID, in.Lot, in.Body.Reason))
	})
	on(a, post(act.DeclineAward, "decline-award"), func(ctx context.Context, call act.Call, in *reasoned) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Decline(ctx, call, in.ID, in.Lot, in.Body.Reason))
	})
	on(a, post(act.NotifyAward, "notify-award"), func(ctx context.Context, call act.Call, in *ByLot) (*one[EvaluationView], error) {
		return oneEvaluation(a.s.Awards.Notify(ctx, call, in.ID, in.Lot))
	})
}
