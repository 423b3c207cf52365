package signature

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var kebab = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$|^[a-z]+$`)

// Every finding has a code of its own and a sentence in both languages.
func TestFindingsAreTold(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "findings.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if name, ok := call.Fun.(*ast.Ident); !ok || name.Name != "finding" {
			return true
		}
		var words []string
		for _, a := range call.Args {
			literal, ok := a.(*ast.BasicLit)
			if !ok {
				t.Fatalf("not a literal: %v", a)
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			words = append(words, text)
		}
		code, it, en := words[0], words[1], words[2]
		if seen[code] || !kebab.MatchString(code) {
			t.Errorf("code %q", code)
		}
		seen[code] = true
		for _, text := range []string{it, en} {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "%") || it == en {
				t.Errorf("%s: %q", code, text)
			}
		}
		return true
	})
	if len(seen) < 30 {
		t.Errorf("only %d findings found", len(seen))
	}
}
