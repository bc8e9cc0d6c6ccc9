package bulk

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	t.Parallel()
	a := newToken("a", "bc")
	require.NotEqual(t, a, newToken("ab", "c"), "where a part ends matters")
	require.NotEqual(t, a, newToken("a", "bc", ""))
	parsed, err := parseToken(a.String())
	require.NoError(t, err)
	require.Equal(t, a, parsed)
	for _, bad := range []string{"", "12", a.String()[1:] + "g", a.String() + "00"} {
		_, err := parseToken(bad)
		require.Error(t, err, bad)
	}

	one, two := sum128{1}, sum128{2}
	require.NotEqual(t, a.next(1, one), a.next(2, one))
	require.NotEqual(t, a.next(1, one), a.next(1, two))
	require.NotEqual(t, a.next(1, one), a.next(1, one).next(1, one), "equal chunks of one file differ")
}

// TestTokensStay guards the ledgers that are out there: a token that changes
// loads everything twice.
func TestTokensStay(t *testing.T) {
	t.Parallel()
	var d digest
	d.reset()
	d.write([]byte("{\"id\":1}\n"))
	rows := rootToken(Rows, "items")
	require.Equal(t, "4d1eb864aae1ea20b10040b42ff96834", rows.String())
	require.Equal(t, "3f4c926b399b77bcc901581839b03143", rootToken(Auto, "").String())
	require.Equal(t, "28f59a322d51bcc7e97e4ff1aed69312", rows.next(9, d.sum()).String())
	require.Equal(t, rootToken(Facts, ""), rootToken(Events, ""))
	require.EqualValues(t, uint64(13224924663041222691), headOf([]byte("{\"id\":1}\n")))
}

func TestDigestDoesNotDependOnPieces(t *testing.T) {
	t.Parallel()
	data := lines(0, 20_000)
	var whole, pieces digest
	whole.reset()
	whole.write(data)
	pieces.reset()
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 1+len(rest)/3)
		pieces.write(rest[:n])
		_ = pieces.sum()
		rest = rest[n:]
	}
	require.Equal(t, whole.sum(), pieces.sum())
	data[len(data)/2] ^= 1
	whole.reset()
	whole.write(data)
	require.NotEqual(t, whole.sum(), pieces.sum())
}

func TestHeadStaysWhenTheInputGrows(t *testing.T) {
	t.Parallel()
	head := headOf([]byte(`{"a":1}`))
	for _, grown := range []string{"{\"a\":1}\n", "{\"a\":1}\r\n", "{\"a\":1}\n{}\n"} {
		require.Equal(t, head, headOf([]byte(grown)), "%q", grown)
	}
	require.NotEqual(t, head, headOf([]byte("{\"a\":2}\n")))
}
