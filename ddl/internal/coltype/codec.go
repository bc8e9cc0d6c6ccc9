package coltype

import (
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// codecDefaults are the arguments that the server fills in. An empty one means
// the size of the column's values in bytes.
var codecDefaults = map[string]string{"ZSTD": "1", "LZ4HC": "0", "FPC": "12", "Delta": "", "Gorilla": ""}

// CanonicalCodec returns a list of codecs as the server spells it for a column
// of a canonical type.
func CanonicalCodec(codec, columnType string) string {
	tokens, err := sqltext.Tokenize(codec)
	if err != nil {
		return codec
	}
	var out []string
	for _, part := range sqltext.SplitTop(tokens) {
		text := sqltext.CanonicalTokens(part)
		if len(part) == 1 {
			text = withArgument(text, columnType)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func withArgument(codec, columnType string) string {
	arg, ok := codecDefaults[codec]
	if ok && arg == "" {
		arg = valueSize(columnType)
	}
	if arg == "" {
		return codec
	}
	return codec + "(" + arg + ")"
}

// valueSize is the size of a value of the type in bytes, or empty when it has
// no fixed size that we know of.
func valueSize(t string) string {
	for _, w := range []string{"Array", "LowCardinality", "Nullable"} {
		t, _ = Unwrap(t, w)
	}
	if _, bits := numberBits(t); bits > 0 {
		return strconv.Itoa(bits / 8)
	}
	if p, _, ok := decimalDigits(t); ok {
		switch {
		case p <= 9:
			return "4"
		case p <= 18:
			return "8"
		}
		return "16"
	}
	switch name, _, _ := strings.Cut(t, "("); name {
	case "Bool", "Enum8":
		return "1"
	case "Date", "Enum16":
		return "2"
	case "DateTime", "Date32":
		return "4"
	case "DateTime64":
		return "8"
	}
	return ""
}

// AnyType reports whether a codec does for columns of any type.
func AnyType(codec string) bool {
	tokens, err := sqltext.Tokenize(codec)
	if err != nil {
		return false
	}
	for _, part := range sqltext.SplitTop(tokens) {
		if !slices.Contains([]string{"ZSTD", "LZ4", "LZ4HC", "NONE", "Default"}, part[0].Text) {
			return false
		}
	}
	return true
}
