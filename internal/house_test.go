package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// floors lists every room of the house, from the ground up. Imports go down
// only; rooms on one floor do not know each other.
var floors = [][]string{
	{"internal/fault", "internal/writing"},
	{"internal/money", "internal/seal", "internal/health", "internal/seal/browser", "internal/signature", "audit"},
	{"internal/act", "docs"},
	{"parties", "tender"},
	{"bids", "feed", "inspection"},
	{"award"},
	{"internal/anchor", "internal/identity", "internal/sealer", "internal/client", "internal/jobs", "internal/objects", "internal/sheet", "internal/timestamp", "internal/webhook", "internal/witness"},
	{"internal/store"},
	{"internal/api"},
	{"cmd/sigillo"},
}

// beside are folders of tests and of deployment, which belong to no floor.
var beside = []string{"internal", "internal/objects/vaulttest", "internal/store/storetest", "internal/timestamp/tsatest", "deploy"}

// lodgers are the libraries that live in one room only.
var lodgers = map[string]string{
	"gorm.io/": "internal/store", "github.com/glebarez/": "internal/store", "github.com/pressly/goose": "internal/store",
	"github.com/danielgtaylor/huma": "internal/api", "github.com/minio/minio-go": "internal/objects",
	"github.com/robfig/cron": "internal/jobs", "github.com/alecthomas/kong": "cmd/sigillo",
}

const module = "sigillo/"

func floorOf(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// walk visits every Go file of the product with the room it stands in.
func walk(t *testing.T, mode parser.Mode, visit func(room, path string, f *ast.File)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "..") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
		if err != nil {
			return err
		}
		room, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(room), path, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsGoDownOnly(t *testing.T) {
	seen := map[string]bool{}
	walk(t, parser.ImportsOnly, func(room, path string, f *ast.File) {
		seen[room] = true
		if slices.Contains(beside, room) || strings.HasSuffix(path, "_test.go") {
			return
		}
		mine := floorOf(room)
		if mine < 0 {
			t.Errorf("%s stands on no floor", room)
			return
		}
		for _, spec := range f.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			if other, ok := strings.CutPrefix(name, module); ok {
				if theirs := floorOf(other); theirs < 0 || theirs >= mine {
					t.Errorf("%s: %s (floor %d) imports %s (floor %d)", path, room, mine+1, other, theirs+1)
				}
			}
			for library, home := range lodgers {
				if strings.HasPrefix(name, library) && room != home {
					t.Errorf("%s: %s lives in %s", path, name, home)
				}
			}
		}
	})
	for _, rooms := range floors {
		for _, room := range rooms {
			if !seen[room] {
				t.Errorf("the room %s is empty", room)
			}
		}
	}
}

func TestEveryPackageSaysWhatItPromises(t *testing.T) {
	comment := map[string]string{}
	walk(t, parser.PackageClauseOnly|parser.ParseComments, func(room, path string, f *ast.File) {
		if !strings.HasSuffix(path, "_test.go") && f.Doc != nil {
			comment[room] = f.Doc.Text()
		} else if _, ok := comment[room]; !ok {
			comment[room] = ""
		}
	})
	for room, text := range comment {
		if room == "internal" { // holds this test alone
			continue
		}
		if len(text) < 80 {
			t.Errorf("%s has no package comment worth the name", room)
		}
	}
}

// floating finds binary floating point in the source of the domain.
var floating = regexp.MustCompile(`^(float32|float64|ParseFloat|Float64|Float32)$`)

func TestNoFloatingPointUnderTheAdapters(t *testing.T) {
	walk(t, 0, func(room, path string, f *ast.File) {
		if floorOf(room) > 5 || floorOf(room) < 0 || strings.HasSuffix(path, "_test.go") { // benchmarks report ratios
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && floating.MatchString(id.Name) {
				t.Errorf("%s uses %s", path, id.Name)
			}
			return true
		})
	})
}

func TestOnlyTheMachineMovesALot(t *testing.T) {
	walk(t, 0, func(room, path string, f *ast.File) {
		if strings.HasSuffix(path, "_test.go") || filepath.Base(path) == "state.go" && room == "tender" {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok {
				return true
			}
			for i, left := range a.Lhs {
				if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "State" {
					if id, ok := a.Rhs[min(i, len(a.Rhs)-1)].(*ast.Ident); ok && id.Name == "Draft" {
						continue // a lot begins as a draft
					}
					if x, ok := s.X.(*ast.Ident); ok && (x.Name == "s" || x.Name == "v") {
						continue // subjects and views, which are copies
					}
					t.Errorf("%s assigns a State outside tender/state.go", path)
				}
			}
			return true
		})
	})
}
