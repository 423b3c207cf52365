package deploy

import (
	"maps"
	"os"
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

var secrets = map[string]string{"POSTGRES_PASSWORD": "a", "S3_ACCESS_KEY": "b", "S3_SECRET_KEY": "c"}

func TestComposeIsWholeAndPinned(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "s3", "migrate", "sigillo-1", "sigillo-2", "balancer"} {
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

func TestComposeNamesOnlySettingsTheProgramKnows(t *testing.T) {
	p, err := load(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, name := range []string{"platform.go", "serve.go"} {
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
	for key := range p.Services["sigillo-1"].Environment {
		if !slices.Contains(known, key) {
			t.Errorf("the program knows no %s", key)
		}
	}
}
