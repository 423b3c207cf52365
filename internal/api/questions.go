package api

import (
	"context"
	"net/http"
	"time"

	"sigillo/internal/act"
	"sigillo/tender"
)

// QuestionView is a question without its asker: nobody is told who asked.
type QuestionView struct {
	ID         string     `json:"id"`
	Version    int        `json:"version"`
	Text       string     `json:"text"`
	AskedAt    time.Time  `json:"asked_at"`
	Answer     string     `json:"answer,omitempty"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
}

func questionView(q *tender.Question) QuestionView {
	return QuestionView{q.ID, q.Version, q.Text, q.AskedAt, q.Answer, q.AnsweredAt}
}

func (a *API) questions() {
	const tag = "Chiarimenti"
	ask := operation(act.AskQuestion, http.MethodPost, "/v1/tenders/{id}/questions", tag, withKey)
	ask.DefaultStatus = http.StatusCreated
	on(a, ask, func(ctx context.Context, call act.Call, in *struct {
		ByID
		Body struct {
			Text string `json:"text" maxLength:"20000"`
		}
	}) (*created[QuestionView], error) {
		q, err := a.s.Tenders.Ask(ctx, call, in.ID, in.Body.Text)
		if err != nil {
			return nil, err
		}
		return &created[QuestionView]{etag(q.Version), "/v1/tenders/" + in.ID + "/questions/" + q.ID, questionView(q)}, nil
	})
	on(a, operation(act.ListQuestions, http.MethodGet, "/v1/tenders/{id}/questions", tag), func(ctx context.Context, call act.Call, in *struct {
		ByID
		Page
	}) (*list[QuestionView], error) {
		all, next, err := a.s.Tenders.Questions(ctx, call.Actor, in.ID, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		out := &list[QuestionView]{items[QuestionView]{Items: []QuestionView{}, Next: next}}
		for _, q := range all {
			out.Body.Items = append(out.Body.Items, questionView(q))
		}
		return out, nil
	})
	type ByQuestion struct {
		ByID
		Question string `path:"question" maxLength:"100"`
	}
	on(a, operation(act.ViewQuestion, http.MethodGet, "/v1/tenders/{id}/questions/{question}", tag), func(ctx context.Context, call act.Call, in *ByQuestion) (*one[QuestionView], error) {
		q, err := a.s.Tenders.Question(ctx, call.Actor, in.ID, in.Question)
		if err != nil {
			return nil, err
		}
		return &one[QuestionView]{etag(q.Version), questionView(q)}, nil
	})
	on(a, operation(act.AnswerQuestion, http.MethodPost, "/v1/tenders/{id}/questions/{question}/answer", tag, withKey, withVersion), func(ctx context.Context, call act.Call, in *struct {
		ByQuestion
		Body struct {
			Answer string `json:"answer" maxLength:"20000"`
		}
	}) (*one[QuestionView], error) {
		q, err := a.s.Tenders.Answer(ctx, call, in.ID, in.Question, in.Body.Answer)
		if err != nil {
			return nil, err
		}
		return &one[QuestionView]{etag(q.Version), questionView(q)}, nil
	})
}
