package feed

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestBackOffDoublesAndEndsAfterThreeDays: whatever the jitter and however late
// the bell.
func TestBackOffDoublesAndEndsAfterThreeDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Course{Passed: 7, Delivered: 3}
		at := noon
		for n := 1; ; n++ {
			before := c.Due
			if n > 1 {
				at = before.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "late")))
			}
			c.failed(Refused, 500, at, func(below int64) int64 { return rapid.Int64Range(0, below-1).Draw(t, "jitter") })
			why, over := c.end(at)
			if over != (at.Sub(noon) >= 72*time.Hour) || over && why != Exhausted {
				t.Fatalf("over %v after %s", over, at.Sub(noon))
			}
			if over {
				if n < 15 || n > 60 {
					t.Fatalf("%d attempts", n)
				}
				break
			}
			wait, most := c.Due.Sub(at), longest
			if n < 14 {
				most = min(longest, 5*time.Second<<(n-1))
			}
			if wait > most || wait < most/2 && !c.Due.Equal(noon.Add(72*time.Hour)) || c.Due.After(noon.Add(72*time.Hour)) {
				t.Fatalf("attempt %d waits %s", n, wait)
			}
			if c.Attempts != n || !c.FailingSince.Equal(noon) || c.Passed != 7 || c.Delivered != 3 {
				t.Fatalf("%+v", c)
			}
		}
		c.delivered(8, 204, at)
		if c.Attempts != 0 || c.FailingSince != nil || c.Passed != 8 || c.Delivered != 4 || c.Outcome != Delivered {
			t.Fatalf("%+v", c)
		}
	})
}

// one is a queue of one parcel, and a post that never answers.
type one struct {
	p    *Parcel
	left []Course
}

func (o *one) Claim(_ context.Context, hold time.Duration) (*Parcel, error) {
	p := o.p
	o.p = nil
	if hold <= patient {
		return nil, errors.New("the claim runs out during the attempt")
	}
	return p, nil
}
func (o *one) Settle(_ context.Context, p *Parcel) error {
	o.left = append(o.left, p.Course)
	return nil
}
func (o *one) Check(string) error { return nil }
func (o *one) Send(ctx context.Context, _ Message) (Outcome, int) {
	<-ctx.Done()
	return Slow, 0
}

func TestAReceiverThatHangsIsLeftAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &one{p: &Parcel{Webhook: &Webhook{ID: "w"}, Number: 1}}
		c := NewCourier(nil, o, o, func() (time.Time, error) { return time.Now().UTC(), nil })
		began := time.Now()
		if n, err := c.Deliver(t.Context()); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if took := time.Since(began); took != 10*time.Second || len(o.left) != 1 || o.left[0].Outcome != Slow || o.left[0].Attempts != 1 || o.left[0].Passed != 0 {
			t.Fatal(took, o.left)
		}
	})
}
