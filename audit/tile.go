package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"sigillo/internal/fault"
)

// TileWidth is how many hashes a full tile holds: C2SP tlog-tiles fixes its
// height at 8.
const TileWidth = 1 << tileHeight

const (
	tileHeight = 8
	hashLength = sha256.Size
	// maxSize bounds the leaves of a tree, so that no sum of indices overflows.
	maxSize = 1 << 60
)

// Tile names a run of hashes of one height of the tree (C2SP tlog-tiles): of
// the leaves at level 0, of full tiles of the level below at all others. Its
// bytes are the hashes, one after the other.
type Tile struct {
	Level int
	N     uint64 // number of the tile within its level
	Width int    // hashes: TileWidth in a full tile, fewer at the right edge of the tree
}

// Path is where the tile is found: tile/<L>/<N>, and .p/<W> after a partial one.
func (t Tile) Path() string {
	return "tile/" + strings.TrimPrefix(t.tlog().Path(), tlogPrefix)
}

// Bytes is the length of the tile.
func (t Tile) Bytes() int { return t.Width * hashLength }

// tlogPrefix is how package tlog, which knows other heights too, begins a path.
var tlogPrefix = fmt.Sprintf("tile/%d/", tileHeight)

func (t Tile) tlog() tlog.Tile {
	return tlog.Tile{H: tileHeight, L: t.Level, N: int64(t.N), W: t.Width}
}

// ErrNoTile says that a path names no tile.
var ErrNoTile = fault.New(fault.NotFound, "no-such-tile", "Nessuna tessera del registro ha questo nome.", "No tile of the log has this name.")

// ParseTile reads the path of a tile in its one spelling. Fault: no-such-tile.
func ParseTile(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return Tile{}, ErrNoTile
	}
	t, err := tlog.ParseTilePath(tlogPrefix + rest)
	if err != nil || t.L < 0 || t.L > 63 {
		return Tile{}, ErrNoTile.Because(err)
	}
	return Tile{t.L, uint64(t.N), t.W}, nil
}

// A TileReader reads the bytes of tiles, each exactly as long as its tile.
type TileReader func(tiles []Tile) ([][]byte, error)

func (read TileReader) all(tiles []Tile) ([][]byte, error) {
	if len(tiles) == 0 {
		return nil, nil
	}
	data, err := read(tiles)
	if err != nil {
		return nil, err
	}
	for i, t := range tiles {
		if len(data) != len(tiles) || len(data[i]) != t.Bytes() {
			return nil, fault.Hidden(fmt.Errorf("%s is not whole", t.Path()))
		}
	}
	return data, nil
}

// NewTiles lists the tiles that a tree of size n has and one of size m, its
// beginning, has not, or has narrower.
func NewTiles(m, n uint64) ([]Tile, error) {
	if m > n || n > maxSize {
		return nil, errSize
	}
	var all []Tile
	for _, t := range tlog.NewTiles(tileHeight, int64(m), int64(n)) {
		all = append(all, Tile{t.L, uint64(t.N), t.W})
	}
	return all, nil
}

var errSize = fault.Hidden(errors.New("no tree of this size"))

// Filled is a tile with its bytes.
type Filled struct {
	Tile
	Data []byte
}

// edge is the tile at the right edge of one level, not full.
type edge struct {
	n    uint64
	data []byte
	grew bool
}

// Grow appends leaves to a tree of the given size. It reads the partial tiles
// at the right edge, and returns those of NewTiles with the new root. Equal
// leaves give equal bytes, however they are divided among calls.
func Grow(size uint64, leaves [][32]byte, read TileReader) ([]Filled, [32]byte, error) {
	if size > maxSize-uint64(len(leaves)) {
		return nil, [32]byte{}, errSize
	}
	edges, err := edgesOf(size, read)
	if err != nil {
		return nil, [32]byte{}, err
	}
	var full []Filled
	for _, leaf := range leaves {
		for level, h := 0, leaf; ; level++ {
			if level == len(edges) {
				edges = append(edges, edge{})
			}
			e := &edges[level]
			e.data, e.grew = append(e.data, h[:]...), true
			if len(e.data) < TileWidth*hashLength {
				break
			}
			full = append(full, Filled{Tile{level, e.n, TileWidth}, e.data})
			h = subtree(e.data)
			*e = edge{n: e.n + 1}
		}
	}
	for level, e := range edges {
		if e.grew {
			full = append(full, Filled{Tile{level, e.n, len(e.data) / hashLength}, e.data})
		}
	}
	return full, rootOf(edges), nil
}

func edgesOf(size uint64, read TileReader) ([]edge, error) {
	var edges []edge
	var partial []Tile
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		hashes := size >> (tileHeight * level)
		edges = append(edges, edge{n: hashes / TileWidth})
		if w := int(hashes % TileWidth); w > 0 {
			partial = append(partial, Tile{level, hashes / TileWidth, w})
		}
	}
	data, err := read.all(partial)
	if err != nil {
		return nil, err
	}
	for i, t := range partial {
		edges[t.Level].data = append([]byte(nil), data[i]...)
	}
	return edges, nil
}

// rootOf joins the perfect subtrees of which the edges are made, from the
// right.
func rootOf(edges []edge) [32]byte {
	root, some := sha256.Sum256(nil), false
	for _, e := range edges {
		for data := e.data; len(data) > 0; {
			w := len(data) / hashLength
			w = 1 << bits.TrailingZeros(uint(w)) // the smallest subtree is the rightmost
			h := subtree(data[len(data)-w*hashLength:])
			data = data[:len(data)-w*hashLength]
			if some {
				h = node(h, root)
			}
			root, some = h, true
		}
	}
	return root
}

// subtree is the root over a power of two of hashes.
func subtree(data []byte) [32]byte {
	if len(data) == hashLength {
		return [32]byte(data)
	}
	half := len(data) / 2
	return node(subtree(data[:half]), subtree(data[half:]))
}

// Hashes reads the hashes of a tree of the given size from its tiles. It takes
// them for what they are: whoever does not trust them checks what is proven
// with them against a root, or reads through tlog.TileHashReader.
func Hashes(size uint64, read TileReader) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var tiles []Tile
		at := map[Tile]int{}
		in := make([]int, len(indexes))
		for i, index := range indexes {
			t := tlog.TileForIndex(tileHeight, index)
			tile := Tile{Level: t.L, N: uint64(t.N)}
			left := size>>(tileHeight*tile.Level) - tile.N*TileWidth
			if left > maxSize || left == 0 { // it wrapped around: the tree ends before
				return nil, errSize
			}
			tile.Width = int(min(left, TileWidth))
			if _, ok := at[tile]; !ok {
				at[tile] = len(tiles)
				tiles = append(tiles, tile)
			}
			in[i] = at[tile]
		}
		data, err := read.all(tiles)
		if err != nil {
			return nil, err
		}
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if hashes[i], err = tlog.HashFromTile(tiles[in[i]].tlog(), data[in[i]], index); err != nil {
				return nil, fault.Hidden(err)
			}
		}
		return hashes, nil
	})
}

// RootOf is the root of a tree of the given size, from its tiles.
func RootOf(size uint64, read TileReader) ([32]byte, error) {
	if size > maxSize {
		return [32]byte{}, errSize
	}
	return treeHash(tlog.TreeHash(int64(size), Hashes(size, read)))
}

func treeHash(h tlog.Hash, err error) ([32]byte, error) { return [32]byte(h), err }
