package store

import (
	"fmt"
	"strings"
)

// rows is a change that nothing in the transaction reads again.
type rows struct {
	sql  string
	args []any
	one  bool // it must change one row, or the transaction has read what is no more
}

// queue keeps an insertion for the next flush.
func (tx *Tx) queue(sql string, args ...any) { tx.later = append(tx.later, rows{sql, args, false}) }

// queueOne keeps an update that names the version it starts from.
func (tx *Tx) queueOne(sql string, args ...any) { tx.later = append(tx.later, rows{sql, args, true}) }

// flush writes what is queued: on PostgreSQL in one statement, for what a short
// transaction costs there is above all the journeys to the server. Checks and
// triggers are those of single statements.
func (tx *Tx) flush() error {
	queued := tx.later
	tx.later = nil
	if len(queued) == 0 {
		return nil
	}
	if !tx.store.postgres {
		for _, r := range queued {
			done := tx.db.Exec(r.sql, r.args...)
			if done.Error != nil {
				return done.Error
			}
			if r.one && done.RowsAffected != 1 {
				return stale()
			}
		}
		return nil
	}
	var sql strings.Builder
	var args []any
	updated, want := []string{"0"}, 0
	for i, r := range queued {
		fmt.Fprintf(&sql, "%s r%d AS (%s", map[bool]string{true: "WITH", false: ","}[i == 0], i, r.sql)
		if r.one {
			sql.WriteString(" RETURNING 1")
			updated = append(updated, fmt.Sprintf("(SELECT count(*) FROM r%d)", i))
			want++
		}
		sql.WriteString(")")
		args = append(args, r.args...)
	}
	var got int
	err := tx.db.Raw(sql.String()+" SELECT "+strings.Join(updated, "+"), args...).Row().Scan(&got)
	if err == nil && got != want {
		err = stale()
	}
	return translated(err)
}
