package audit

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// entryColumns are those of entries.csv.
var entryColumns = []string{"voce", "voce_di_gara", "istante", "istante_legale", "atto", "tipo_attore", "attore", "per_conto_di", "poteri",
	"gara", "lotto", "tipo_oggetto", "oggetto", "versione", "stato_prima", "stato_dopo", "id", "non_leggibile"}

// documentColumns are those of documents.csv.
var documentColumns = []string{"sha256", "byte", "tipo", "nome", "gara", "offerta", "incluso", "motivo"}

// table writes a CSV file (RFC 4180, UTF-8) for spreadsheets.
type table struct{ w *csv.Writer }

func newTable(w io.Writer, columns []string) (table, error) {
	t := table{csv.NewWriter(w)}
	t.w.UseCRLF = true
	return t, t.row(columns...)
}

// row writes one row. A cell that a spreadsheet would take for a formula gets
// an apostrophe before it: the names in it were written by strangers.
func (t table) row(cells ...string) error {
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(c[0])) {
			cells[i] = "'" + c
		}
	}
	return t.w.Write(cells)
}

func (t table) end() error { t.w.Flush(); return t.w.Error() }

// entryRow is a row of entries.csv; of a withheld entry only its places.
func entryRow(p Place, e *Entry) []string {
	seq := ""
	if p.TenderSeq > 0 {
		seq = strconv.FormatUint(p.TenderSeq, 10)
	}
	index := strconv.FormatUint(p.Index, 10)
	if e == nil {
		row := make([]string, len(entryColumns))
		row[0], row[1], row[9], row[17] = index, seq, p.Tender, "sì"
		return row
	}
	w := e.wire()
	state := func(s *State) string {
		if s == nil {
			return ""
		}
		return s.State
	}
	return []string{index, seq, w.At, w.Effective, w.Action, w.Actor.Kind, w.Actor.ID, w.Actor.For, strings.Join(w.Actor.Powers, " "),
		w.Tender, w.Lot, w.Object.Type, w.Object.ID, strconv.Itoa(w.Object.Version), state(w.Before), state(w.After), w.ID, ""}
}
