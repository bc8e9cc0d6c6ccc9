package bulk

import (
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"github.com/factload/factload/clickhouse/block"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// decodeVersion changes when this package, or package block, begins to make
// other rows of the same lines by the same schema.
const decodeVersion = "factload rules 2"

// decodeFingerprint returns a fingerprint of all that decides which rows lines become:
// the fields of the schemas and the options of decoding. Comments, the order of
// the fields and the options of the tables are not among that. The
// configuration has its defaults filled in.
func decodeFingerprint(cfg *Config, tables map[string]*table) string {
	parts := []string{
		decodeVersion, cfg.Format.String(), strconv.Itoa(cfg.MaxLineBytes),
		strconv.Itoa(int(cfg.Decode.UnknownKeys)), cfg.Decode.CollectInto,
		strconv.Itoa(cmp.Or(cfg.Decode.MaxDepth, block.DefaultMaxDepth)),
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		parts = append(parts, name)
		parts = append(parts, fieldParts(tables[name])...)
	}
	t := newToken(parts...)
	return hex.EncodeToString(t[:8])
}

// fieldParts returns what decides about the values of a table's fields.
func fieldParts(t *table) []string {
	s := t.layout.Schema()
	slices.SortFunc(s.Fields, func(a, b fact.Field) int { return cmp.Compare(a.Name, b.Name) })
	parts := []string{strconv.Itoa(len(s.Fields))}
	for _, f := range s.Fields {
		required := f.FactID || f.Default == nil && slices.Contains(s.OrderBy, f.Name)
		// Neither can fail: the table was made of the schema.
		typ, _ := ddl.ColumnType(f)
		value := ""
		if f.Default != nil {
			value, _ = ddl.Literal(f, f.Default)
		}
		parts = append(parts, f.Name, f.Type.String(), typ, value,
			strconv.FormatBool(f.Default != nil), strconv.FormatBool(f.FactID), strconv.FormatBool(required))
		parts = append(parts, wordRules(f)...)
	}
	return parts
}

// wordRules returns what decides about how the values of a field are written. It
// is nothing for a field that says nothing of it.
func wordRules(f fact.Field) (parts []string) {
	for _, word := range []struct {
		name, value string
		set         bool
	}{
		{"from", f.From, f.From != ""},
		{"unit", string(f.Unit), f.Unit != ""},
		{"quoted", "", f.Quoted},
		{"nan", "null", f.NaNIsNull},
		{"surrogates", "replace", f.ReplaceSurrogates},
		{"null", "default", f.NullIsDefault},
	} {
		if word.set {
			parts = append(parts, word.name, word.value)
		}
	}
	return parts
}
