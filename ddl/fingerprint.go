package ddl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Absent is the fingerprint of a table that does not exist.
const Absent = "absent"

// Fingerprint returns a short text that two tables share when their canonical
// forms are equal. Rows do not matter to it. A nil table has [Absent].
func (t *Table) Fingerprint() string {
	if t == nil {
		return Absent
	}
	text, err := json.Marshal(t.Canonical())
	if err != nil {
		panic(err) // plain data always has a JSON form
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
