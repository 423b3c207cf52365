package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"

	"gorm.io/gorm"
)

// Veil hides rows that tell who has bid from whoever has the database. The
// sealer is one. Without a veil, rows are kept as they are: for tests of the
// store alone.
type Veil interface {
	Veil(ctx context.Context, purpose string, texts [][]byte) ([][]byte, error)
	Unveil(ctx context.Context, purpose string, texts [][]byte) ([][]byte, error)
	// Mark gives a text by which a row can be found, and which tells nothing.
	Mark(ctx context.Context, texts []string) ([]string, error)
}

// Wear has the store hide what tells who has bid. It is called before the first
// act.
func (s *Store) Wear(v Veil) { s.veil = v }

// veiled are the tables whose documents tell of bidders, or of who may become one.
var veiled = map[string]bool{"bid": true, "transfer": true, "message": true, "question": true}

func (s *Store) hide(ctx context.Context, purpose string, text []byte) ([]byte, error) {
	if s.veil == nil {
		return text, nil
	}
	out, err := s.veil.Veil(ctx, purpose, [][]byte{text})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// show lifts the veil of several texts at once.
func (s *Store) show(ctx context.Context, purpose string, texts [][]byte) ([][]byte, error) {
	if s.veil == nil || len(texts) == 0 {
		return texts, nil
	}
	return s.veil.Unveil(ctx, purpose, texts)
}

// mark is by what a bidder's rows are found.
func (s *Store) mark(ctx context.Context, text string) (string, error) {
	if s.veil == nil {
		return text, nil
	}
	out, err := s.veil.Mark(ctx, []string{text})
	if err != nil {
		return "", err
	}
	return out[0], nil
}

// hiddenText is hide for columns of text.
func (s *Store) hiddenText(ctx context.Context, purpose string, text []byte) (string, error) {
	if s.veil == nil {
		return string(text), nil
	}
	out, err := s.hide(ctx, purpose, text)
	return base64.StdEncoding.EncodeToString(out), err
}

// shownText is show for columns of text.
func (s *Store) shownText(ctx context.Context, purpose, text string) ([]byte, error) {
	if s.veil == nil {
		return []byte(text), nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	out, err := s.show(ctx, purpose, [][]byte{raw})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// hideDoc hides the document of a row where its table is one that is veiled.
func (s *Store) hideDoc(ctx context.Context, table string, doc []byte) (string, error) {
	if !veiled[table] {
		return string(doc), nil
	}
	return s.hiddenText(ctx, table, doc)
}

// showDocs is show for documents of rows.
func (s *Store) showDocs(ctx context.Context, table string, docs [][]byte) ([][]byte, error) {
	if s.veil == nil || !veiled[table] {
		return docs, nil
	}
	raw := make([][]byte, len(docs))
	for i, d := range docs {
		text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(d)))
		if err != nil {
			return nil, err
		}
		raw[i] = text
	}
	return s.show(ctx, table, raw)
}

// getVeiled is get for a veiled table.
func getVeiled[T any](s *Store, db *gorm.DB, table, what, where string, args ...any) (*T, error) {
	var row docRow
	if err := db.Table(table).Select("id", "version", "doc").Where(where, args...).Take(&row).Error; err != nil {
		return nil, told(err, what)
	}
	docs, err := s.showDocs(db.Statement.Context, table, [][]byte{[]byte(row.Doc)})
	if err != nil {
		return nil, err
	}
	thing := new(T)
	return thing, json.Unmarshal(docs[0], thing)
}

// listVeiled is list for a veiled table.
func listVeiled[T any](s *Store, db *gorm.DB, table string, limit int, where string, args ...any) ([]*T, error) {
	var rows []docRow
	q := db.Table(table).Select("id", "version", "doc").Where(where, args...).Order("id")
	if limit > 0 {
		q = q.Limit(limit)
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	docs := make([][]byte, len(rows))
	for i, row := range rows {
		docs[i] = []byte(row.Doc)
	}
	docs, err := s.showDocs(db.Statement.Context, table, docs)
	if err != nil {
		return nil, err
	}
	all := make([]*T, len(rows))
	for i := range rows {
		all[i] = new(T)
		if err := json.Unmarshal(docs[i], all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
