package groupcommit

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/clickhouse/internal/listhash"
)

// The deduplication token of a call must be the same when the same call is
// made again, also by another process, and different for any other call. It is
// derived from the IDs of the facts, in their order, and from the content of
// the rows. The content is part of it so that facts that were changed and sent
// again under their old IDs are not dropped without a word.
//
// Facts without an ID cannot be told from equal facts that are meant to be
// stored again, so a call with one of them gets a token of its own. It still
// protects the retries made within the call.
//
// Several calls that go to the server in one insert get a token made of theirs.

// TokenMaker gathers the IDs of the rows of one call.
type TokenMaker struct {
	ids       *listhash.Hash // nil before the first
	anonymous bool           // a row has no ID
}

// tokenVersion changes when the way tokens are made does.
const tokenVersion = "factload 2"

// Add adds the ID of the next row.
func (t *TokenMaker) Add(id []byte) {
	if len(id) == 0 || t.anonymous {
		t.anonymous = true
		return
	}
	if t.ids == nil {
		t.ids = listhash.New(tokenVersion)
	}
	t.ids.Add(id)
}

// Token returns the token for the block, whose rows' IDs have been added.
func (t *TokenMaker) Token(table string, b *block.Block) string {
	if t.anonymous || t.ids == nil {
		return rand.Text()
	}
	t.ids.Add([]byte(table))
	b.WriteDigest(t.ids)
	return hex.EncodeToString(t.ids.Sum(nil))
}
