package store

import (
	"fmt"
	"strings"
)

// rows is an insertion that nothing in the transaction reads again.
type rows struct {
	sql  string
	args []any
}

// queue keeps an insertion for the next flush.
func (tx *Tx) queue(sql string, args ...any) { tx.later = append(tx.later, rows{sql, args}) }

// flush writes what is queued: on PostgreSQL in one statement, for what a short
// transaction costs there is above all the journeys to the server. Checks and
// triggers are those of single insertions.
func (tx *Tx) flush() error {
	queued := tx.later
	tx.later = nil
	if len(queued) == 0 {
		return nil
	}
	if !tx.store.postgres {
		for _, r := range queued {
			if err := tx.db.Exec(r.sql, r.args...).Error; err != nil {
				return err
			}
		}
		return nil
	}
	var sql strings.Builder
	var args []any
	last := len(queued) - 1
	for i, r := range queued[:last] {
		fmt.Fprintf(&sql, "%s r%d AS (%s)", map[bool]string{true: "WITH", false: ","}[i == 0], i, r.sql)
		args = append(args, r.args...)
	}
	return tx.db.Exec(sql.String()+" "+queued[last].sql, append(args, queued[last].args...)...).Error
}
