package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// wall holds tiles as a log writes them, and as it publishes them.
type wall struct {
	latest    map[Tile][]byte // by level and number: as wide as the tree has made them
	published map[string][]byte
	size      uint64
	root      [32]byte
	read      int // tiles read so far
}

func newWall() *wall { return &wall{latest: map[Tile][]byte{}, published: map[string][]byte{}} }

func (w *wall) tiles(tiles []Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		w.read++
		data := w.latest[Tile{Level: t.Level, N: t.N}]
		if len(data) < t.Bytes() {
			return nil, fmt.Errorf("%s is not there", t.Path())
		}
		all[i] = data[:t.Bytes()]
	}
	return all, nil
}

// fromOutside reads what was published, by exact path.
func (w *wall) fromOutside(tiles []Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, ok := w.published[t.Path()]
		if !ok {
			return nil, fmt.Errorf("%s is not published", t.Path())
		}
		all[i] = data
	}
	return all, nil
}

func (w *wall) grow(t fataler, leaves [][32]byte) []Filled {
	written, root, err := Grow(w.size, leaves, w.tiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range written {
		w.latest[Tile{Level: f.Level, N: f.N}] = f.Data
		w.published[f.Path()] = f.Data
	}
	w.size, w.root = w.size+uint64(len(leaves)), root
	return written
}

type fataler interface{ Fatal(...any) }

func someLeaves(from, n uint64) [][32]byte {
	all := make([][32]byte, n)
	for i := range all {
		all[i] = sha256.Sum256(binary.BigEndian.AppendUint64([]byte{0}, from+uint64(i)))
	}
	return all
}

func rootOver(n uint64) [32]byte {
	var tree Tree
	for _, leaf := range someLeaves(0, n) {
		tree.Add(leaf)
	}
	return tree.Root()
}

// steps draws growths that stop at, before and after the borders of tiles.
var steps = rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(250, 260), rapid.Uint64Range(0, 3000)), 1, 8)

func TestGrowingGivesTheTreeAndItsTilesHoweverItIsDivided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWall()
		for _, n := range steps.Draw(t, "steps") {
			before := w.size
			written := w.grow(t, someLeaves(before, n))
			want, err := NewTiles(before, w.size)
			if err != nil {
				t.Fatal(err)
			}
			var got []Tile
			for _, f := range written {
				if len(f.Data) != f.Bytes() {
					t.Fatal(f.Path(), len(f.Data))
				}
				got = append(got, f.Tile)
			}
			order := func(a, b Tile) int { return strings.Compare(a.Path(), b.Path()) }
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			if !slices.Equal(got, want) {
				t.Fatal("from", before, "to", w.size, "wrote", got, "and not", want)
			}
			if w.root != rootOver(w.size) {
				t.Fatal("another root at", w.size)
			}
			if root, err := RootOf(w.size, w.tiles); err != nil || root != w.root {
				t.Fatal("the tiles have another root at", w.size, err)
			}
		}
		once := newWall()
		once.grow(t, someLeaves(0, w.size))
		if len(once.latest) != len(w.latest) {
			t.Fatal(len(once.latest), len(w.latest))
		}
		for tile, data := range once.latest {
			if !bytes.Equal(w.latest[tile], data) {
				t.Fatal(tile.Path(), "depends on how the tree was divided")
			}
		}
	})
}

// TestTilesAreThoseOfTheGoChecksumDatabase compares with tiles made by another
// program, through three levels.
func TestTilesAreThoseOfTheGoChecksumDatabase(t *testing.T) {
	const size = 256*256 + 300
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			all[i] = stored[x]
		}
		return all, nil
	})
	for i, leaf := range someLeaves(0, size) {
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(leaf), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	w := newWall()
	levels := map[int]bool{}
	for _, f := range w.grow(t, someLeaves(0, size)) {
		levels[f.Level] = true
		want, err := tlog.ReadTileData(f.tlog(), reader)
		if err != nil || !bytes.Equal(f.Data, want) {
			t.Fatal(f.Path(), "differs", err)
		}
	}
	if len(levels) != 3 {
		t.Fatal(levels)
	}
}

func TestTheExampleOfTheSpecification(t *testing.T) {
	all, err := NewTiles(0, 70_000)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, tile := range all {
		count[fmt.Sprintf("level %d width %d", tile.Level, tile.Width)]++
	}
	want := "map[level 0 width 112:1 level 0 width 256:273 level 1 width 17:1 level 1 width 256:1 level 2 width 1:1]"
	if got := fmt.Sprint(count); got != want {
		t.Fatal(got)
	}
	for tile, want := range map[Tile]string{
		{0, 1234067, 256}: "tile/0/x001/x234/067", {0, 273, 112}: "tile/0/273.p/112", {1, 0, 1}: "tile/1/000.p/1", {63, 5, 256}: "tile/63/005",
	} {
		if got := tile.Path(); got != want {
			t.Errorf("%v is at %s, not at %s", tile, got, want)
		}
		if back, err := ParseTile(want); err != nil || back != tile {
			t.Errorf("%s is read as %v: %v", want, back, err)
		}
	}
}

func TestOnlyTheOneSpellingOfATileIsRead(t *testing.T) {
	for _, bad := range []string{"", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/00/000", "tile/-1/000", "tile/64/000", "tile/data/000", "tile/entries/000",
		"tile/0/1000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/0/x000/001", "tile/0/001/067", "tile/0/../000",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999", "/tile/0/000", "tile/0/000/", "tile/0/+01", "tile/8/0/000"} {
		if tile, err := ParseTile(bad); !errors.Is(err, ErrNoTile) {
			t.Errorf("%q is read as %v", bad, tile)
		}
	}
}

func FuzzParseTile(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/5")
	f.Add("tile/data/000")
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := ParseTile(path); err == nil && (tile.Path() != path || tile.Width < 1 || tile.Width > TileWidth || tile.Level < 0) {
			t.Fatalf("%q is read as %v", path, tile)
		}
	})
}

func TestTilesThatAreNotWholeAreNotTaken(t *testing.T) {
	w := newWall()
	w.grow(t, someLeaves(0, 300))
	short := func(tiles []Tile) ([][]byte, error) {
		all, err := w.tiles(tiles)
		all[len(all)-1] = all[len(all)-1][1:]
		return all, err
	}
	if _, _, err := Grow(300, someLeaves(300, 1), short); err == nil {
		t.Error("a tree grows on a tile that is cut")
	}
	if _, err := RootOf(300, short); err == nil {
		t.Error("a cut tile has a root")
	}
	if _, err := RootOf(301, w.tiles); err == nil {
		t.Error("a tree that was never reached has a root")
	}
	if _, _, err := Grow(maxSize, someLeaves(0, 1), w.tiles); err == nil {
		t.Error("a tree grows without end")
	}
}
