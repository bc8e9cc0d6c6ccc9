// Package listhash hashes lists of texts, for deduplication tokens.
package listhash

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Hash is a SHA-256 of texts, each behind its length, so that lists that differ in any text, or in where one ends, have
// different hashes. Tokens in tables and ledgers are made of it: what it returns must never change.
type Hash struct {
	hash.Hash
	scratch []byte
}

// New returns the hash of the texts. More can be added.
func New(texts ...string) *Hash {
	h := &Hash{Hash: sha256.New()}
	for _, text := range texts {
		h.Add([]byte(text))
	}
	return h
}

// Add adds a text to the list.
func (h *Hash) Add(text []byte) {
	h.scratch = append(binary.LittleEndian.AppendUint64(h.scratch[:0], uint64(len(text))), text...)
	h.Write(h.scratch)
}
