package block

import "encoding/binary"

// keyword is a short text that is looked for at a place where it most likely
// is. It is compared in words of eight bytes.
type keyword struct {
	text string
	head uint64 // the first eight bytes
	mask uint64 // of the bytes that count in head
	tail uint64 // the last eight bytes of a longer text
}

const wordSize = 8

func newKeyword(text string) keyword {
	k := keyword{text: text, mask: ^uint64(0)}
	var word [wordSize]byte
	copy(word[:], text)
	k.head = binary.LittleEndian.Uint64(word[:])
	if n := len(text); n < wordSize {
		k.mask = 1<<(8*n) - 1
	} else {
		copy(word[:], text[n-wordSize:])
		k.tail = binary.LittleEndian.Uint64(word[:])
	}
	return k
}

// begins reports whether data begins with the keyword.
func (k *keyword) begins(data []byte) bool {
	n := len(k.text)
	if len(data) < max(n, wordSize) {
		return len(data) >= n && string(data[:n]) == k.text
	}
	if binary.LittleEndian.Uint64(data)&k.mask != k.head {
		return false
	}
	if n <= wordSize {
		return true
	}
	if binary.LittleEndian.Uint64(data[n-wordSize:]) != k.tail {
		return false
	}
	return n <= 2*wordSize || string(data[wordSize:n-wordSize]) == k.text[wordSize:n-wordSize]
}
