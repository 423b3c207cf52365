package audit

import "testing"

func TestThePublicKeyFollowsFromThePrivateOne(t *testing.T) {
	private, public, err := GenerateKey("registro")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := PublicKey(private); err != nil || got != public {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"", public, private[:len(private)-4], "PRIVATE+KEY+a+b+!!"} {
		if _, err := PublicKey(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
