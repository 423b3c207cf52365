package deploy

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	text, err := os.ReadFile("../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: "..", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: text}}, Environment: maps.Clone(env),
	})
}

var secrets = map[string]string{"POSTGRES_PASSWORD": "of-the-database", "S3_ACCESS_KEY": "of-the-store", "S3_SECRET_KEY": "hush"}

func TestComposeIsWholeAndPinned(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "s3", "migrate", "sealer", "sigillo-1", "sigillo-2", "balancer"} {
		if _, ok := p.Services[name]; !ok {
			t.Errorf("there is no service %s", name)
		}
	}
	pinned := regexp.MustCompile(`:(v?\d+\.\d+|RELEASE\.\d{4}-)`)
	for name, s := range p.Services {
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q is not pinned", name, s.Image)
		}
		if s.HealthCheck == nil || s.HealthCheck.Disable && name != "migrate" {
			t.Errorf("%s has no health check", name)
		}
	}
	for _, replica := range []string{"sigillo-1", "sigillo-2"} {
		if d, ok := p.Services["balancer"].DependsOn[replica]; !ok || d.Condition != types.ServiceConditionHealthy {
			t.Errorf("the balancer does not wait for %s", replica)
		}
		if d, ok := p.Services[replica].DependsOn["migrate"]; !ok || d.Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s does not wait for the migration", replica)
		}
	}
}

func TestComposeHoldsNoSecretAndNeedsAll(t *testing.T) {
	for missing := range secrets {
		env := map[string]string{}
		for k, v := range secrets {
			if k != missing {
				env[k] = v
			}
		}
		if _, err := load(t, env); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: got %v", missing, err)
		}
	}
}

func TestComposeTakesEverySecretFromOutside(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[[2]string]string{
		{"postgres", "POSTGRES_PASSWORD"}: "of-the-database", {"s3", "MINIO_ROOT_USER"}: "of-the-store", {"s3", "MINIO_ROOT_PASSWORD"}: "hush",
		{"migrate", "SIGILLO_DATABASE"}: "postgres://sigillo:of-the-database@postgres:5432/sigillo?sslmode=disable",
		{"migrate", "SIGILLO_OBJECTS"}:  "s3://of-the-store:hush@s3:9000/sigillo?tls=false",
	} {
		if got := p.Services[place[0]].Environment[place[1]]; got == nil || *got != want {
			t.Errorf("%v: got %v, want %q", place, got, want)
		}
	}
}

// The keys that open bids are the sealer's alone: another user, a volume that
// nobody else mounts, and no path to them in anybody's environment.
func TestComposeKeepsTheSealerApart(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	sealer := p.Services["sealer"]
	if sealer.User == "" || strings.HasPrefix(sealer.User, "65532:") {
		t.Errorf("the sealer runs as %q", sealer.User)
	}
	if len(sealer.Ports) > 0 || len(sealer.Networks) != 1 {
		t.Error("the sealer can be reached from outside")
	}
	for name, s := range p.Services {
		_, knows := s.Environment["SIGILLO_SEALER_KEY"]
		mounts := slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Source == "sealer" })
		if mine := name == "sealer"; knows != mine || mounts != mine {
			t.Errorf("%s: knows the key's path %v, mounts its volume %v", name, knows, mounts)
		}
	}
	for _, replica := range []string{"sigillo-1", "sigillo-2"} {
		if d, ok := p.Services[replica].DependsOn["sealer"]; !ok || d.Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for the sealer", replica)
		}
	}
}

// The replicas must be the same in everything: the balancer sends a bidder to
// either.
func TestComposeReplicasAreAlike(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	one, two := p.Services["sigillo-1"], p.Services["sigillo-2"]
	two.Name = one.Name
	if !reflect.DeepEqual(one, two) {
		t.Errorf("the replicas differ:\n%+v\n%+v", one, two)
	}
}

func TestComposeShowsNothingButTheBalancer(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range p.Services {
		if (len(s.Ports) > 0) != (name == "balancer") {
			t.Errorf("%s publishes %d ports", name, len(s.Ports))
		}
	}
	for _, name := range []string{"postgres", "s3"} {
		for network := range p.Services[name].Networks {
			if !p.Networks[network].Internal {
				t.Errorf("%s stands in %s, which leads outside", name, network)
			}
			if _, shared := p.Services["balancer"].Networks[network]; shared {
				t.Errorf("the balancer reaches %s", name)
			}
		}
	}
}

func TestComposeNamesOnlySettingsTheProgramKnows(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, name := range []string{"platform.go", "serve.go", "sealer.go"} {
		source, err := os.ReadFile("../cmd/sigillo/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`env:"(SIGILLO_[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			known = append(known, m[1])
		}
	}
	if len(known) < 5 {
		t.Fatalf("the program's settings were not found: %v", known)
	}
	for _, name := range []string{"migrate", "sealer", "sigillo-1", "sigillo-2"} {
		for key := range p.Services[name].Environment {
			if !slices.Contains(known, key) {
				t.Errorf("%s: the program knows no %s", name, key)
			}
		}
	}
}
