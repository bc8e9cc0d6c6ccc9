package bulk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/factload/factload/clickhouse/internal/listhash"
)

// token names a position in a chain of chunks: it is derived from the content
// of every chunk up to and including its own, and from what the chain is
// loaded into. Equal tokens mean equal content; the name of the file plays no
// part.
type token [16]byte

// String returns the token as 32 lower-case hexadecimal digits.
func (t token) String() string { return hex.EncodeToString(t[:]) }

// parseToken reads what String has written.
func parseToken(s string) (token, error) {
	var t token
	if len(s) != hex.EncodedLen(len(t)) {
		return t, fmt.Errorf("%q is not a chunk token", s)
	}
	if _, err := hex.Decode(t[:], []byte(s)); err != nil {
		return t, fmt.Errorf("%q is not a chunk token: %w", s, err)
	}
	return t, nil
}

// newToken derives a token from a list of texts. Lists that differ in any
// element, or in where one ends, give different tokens.
func newToken(parts ...string) token {
	return token(listhash.New(parts...).Sum(nil)[:len(token{})])
}

// next returns the token of the chunk that follows t and has the given length
// and content.
func (t token) next(length int64, content sum128) token {
	var b [len(t) + 8 + len(content)]byte
	n := copy(b[:], t[:])
	binary.LittleEndian.PutUint64(b[n:], uint64(length)) //nolint:gosec // a length is not negative
	copy(b[n+8:], content[:])
	h := sha256.Sum256(b[:])
	return token(h[:len(t)])
}

// sum128 is a hash of content.
type sum128 [16]byte

// digest hashes content at several gigabytes a second: two xxHash64 with
// different seeds. It guards against accident, not against somebody who makes
// two files collide on purpose.
type digest struct {
	low, high xxhash.Digest
}

const highSeed = 0x9E3779B97F4A7C15

func (d *digest) reset() {
	d.low.ResetWithSeed(0)
	d.high.ResetWithSeed(highSeed)
}

func (d *digest) write(b []byte) {
	// Neither ever returns an error. Pieces that fit the cache are read from
	// memory once, not twice.
	const piece = 128 << 10
	for len(b) > piece {
		_, _ = d.low.Write(b[:piece])
		_, _ = d.high.Write(b[:piece])
		b = b[piece:]
	}
	_, _ = d.low.Write(b)
	_, _ = d.high.Write(b)
}

// sum returns the hash of all that was written. More may be written after.
func (d *digest) sum() sum128 {
	var s sum128
	binary.LittleEndian.PutUint64(s[:8], d.low.Sum64())
	binary.LittleEndian.PutUint64(s[8:], d.high.Sum64())
	return s
}

// headBytes is how much of a chunk's first line goes into its head.
const headBytes = 4096

// headOf returns a short fingerprint of the line that data begins with. It
// finds the few chunks of the ledger that may begin like this one. It must
// stay the same when the file grows, so it covers the first line only, which
// is complete in every chunk.
func headOf(data []byte) uint64 {
	if len(data) > headBytes {
		data = data[:headBytes]
	}
	return xxhash.Sum64(firstLine(data))
}
