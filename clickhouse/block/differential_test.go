package block

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// differentialRowsEnv is the number of rows of the random comparison with the
// engine, when it is to be another than usual.
const differentialRowsEnv = "FACTLOAD_TEST_DIFFERENTIAL_ROWS"

// TestSoakDifferential loads random rows of random schemas natively and through
// the engine's own JSONEachRow, and compares the tables both ways. All rows
// are of the kind that both take and store alike.
func TestSoakDifferential(t *testing.T) {
	t.Parallel()
	rows, perSchema := soak.Scale(10_000, 5_000_000), soak.Scale(500, 10_000)
	if s := os.Getenv(differentialRowsEnv); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		rows = n
	}
	seed := uint64(1)
	if soak.Scale(0, 1) == 1 || os.Getenv(soak.SeedEnv) != "" {
		seed = soak.Seed(t)
	}
	const often = 250_000 // rows between two lines of the log
	bytes, schemas := 0, 0
	for done := 0; done < rows; schemas++ {
		n := min(rows-done, perSchema)
		bytes += compareRandom(t, seed+uint64(schemas), n)
		if done += n; done%often < n {
			t.Logf("%d rows of %d schemas, %d bytes: no difference", done, schemas+1, bytes)
		}
	}
	require.Positive(t, bytes)
}

// compareRandom compares rows of one schema. Every other schema ignores unknown
// keys, and gets some.
func compareRandom(t *testing.T, seed uint64, rows int) (size int) {
	t.Helper()
	db := enginetest.Database(t)
	g := &generator{r: rand.New(rand.NewPCG(seed, 99))}
	schema := g.schema()
	options := Options{}
	if g.extra = seed%2 == 0; g.extra {
		options.UnknownKeys = IgnoreUnknown
	}
	layout := mustCompile(t, schema, options)
	createTable(t, db, "ours", layout)
	createTable(t, db, "theirs", layout)
	b := layout.NewBlock()
	var lines bytes.Buffer
	fmt.Fprintf(&lines, "INSERT INTO theirs SETTINGS precise_float_parsing = 1, input_format_skip_unknown_fields = %t", g.extra)
	for name, value := range ddl.NativeJSONSettings() {
		fmt.Fprintf(&lines, ", %s = %s", name, value)
	}
	lines.WriteString(" FORMAT JSONEachRow\n")
	for range rows {
		line := g.row(schema)
		require.NoError(t, b.AppendJSON([]byte(line)), "seed %d: %s", seed, line)
		lines.WriteString(line)
		lines.WriteByte('\n')
	}
	require.NoError(t, send(t, dial(t, db), "ours", b), "seed %d", seed)
	db.Exec(t, lines.String())
	requireSameRows(t, db, "ours", "theirs", layout)
	db.Exec(t, "DROP TABLE ours SYNC")
	db.Exec(t, "DROP TABLE theirs SYNC")
	return lines.Len()
}

// generator makes schemas and rows.
type generator struct {
	r     *rand.Rand
	extra bool // rows have keys that the schema lacks
}

func (g *generator) schema() fact.Schema {
	s := fact.Schema{Name: "random"}
	types := fact.FieldTypes()
	for i := range 1 + g.r.IntN(25) {
		f := fact.Field{Name: fmt.Sprintf("c%d %s", i, g.pick("", "é", `"q"`, `\`)), Type: types[g.r.IntN(len(types))]}
		switch f.Type {
		case fact.Decimal:
			f.Precision = 1 + g.r.IntN(38)
			f.Scale = g.r.IntN(f.Precision + 1)
		case fact.Enum:
			f.Values = []string{"a", "b", "ü'\\"}[:1+g.r.IntN(3)]
		}
		switch {
		case f.Type == fact.StringMap, f.Type == fact.NativeJSON:
		case g.r.IntN(4) == 0:
			f.Array = true
		case g.r.IntN(3) == 0:
			f.Nullable = true
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

func (g *generator) pick(from ...string) string { return from[g.r.IntN(len(from))] }

func (g *generator) row(s fact.Schema) string {
	var pairs []string
	for _, i := range g.order(len(s.Fields)) {
		f := s.Fields[i]
		if g.r.IntN(8) == 0 && f.Type != fact.JSON { // a table that ddl makes has another default for JSON
			continue
		}
		pairs = append(pairs, g.pair(f.Name, g.value(f)))
		if g.extra && g.r.IntN(16) == 0 {
			pairs = append(pairs, g.pair(fmt.Sprintf("more%d", i), g.json(3)))
		}
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// order is mostly the schema's.
func (g *generator) order(n int) []int {
	if g.r.IntN(3) == 0 {
		return g.r.Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func (g *generator) pair(key, value string) string {
	return g.space() + g.text(key) + g.space() + ":" + g.space() + value + g.space()
}

func (g *generator) space() string { return g.pick("", "", "", "", " ", "  ", "\t", " \r ") }

func (g *generator) value(f fact.Field) string {
	if f.Array {
		f.Array = false
		var elems []string
		for range g.r.IntN(4) {
			elems = append(elems, g.space()+g.value(f)+g.space())
		}
		return "[" + strings.Join(elems, ",") + "]"
	}
	if f.Nullable && g.r.IntN(3) == 0 {
		return "null"
	}
	switch f.Type {
	case fact.String:
		return g.text(g.words())
	case fact.LowCardinalityString:
		return g.text(g.pick("", "a", "model-1", "é", strconv.Itoa(g.r.IntN(400))))
	case fact.Bool:
		return g.pick("true", "false")
	case fact.Float32, fact.Float64:
		return g.float(f.Type)
	case fact.DateTime64:
		return g.time()
	case fact.Date:
		return fmt.Sprintf(`"%04d-%02d-%02d"`, 1970+g.r.IntN(179), 1+g.r.IntN(12), 1+g.r.IntN(28))
	case fact.UUID:
		return fmt.Sprintf(`"%08x-%04X-%04x-%04x-%012x"`, g.r.Uint32(), g.r.IntN(1<<16), g.r.IntN(1<<16), g.r.IntN(1<<16), g.r.Uint64()>>16)
	case fact.Decimal:
		return g.decimal(f)
	case fact.Enum:
		return g.text(g.pick(f.Values...))
	case fact.StringMap:
		var entries []string
		for i := range g.r.IntN(4) {
			entries = append(entries, g.text(fmt.Sprintf("%d%s", i, g.words()))+g.space()+":"+g.text(g.words()))
		}
		return "{" + strings.Join(entries, g.space()+",") + "}"
	case fact.JSON: // a string would be stored otherwise, and a boolean refused with the settings for native JSON
		if g.r.IntN(2) == 0 {
			return g.pick("1", "-1.50", "1e3", "[]", "[ ]")
		}
		return g.object(4)
	case fact.NativeJSON:
		return g.object(3)
	default:
		return g.integer(f.Type)
	}
}

// words is any text: often long, often with what needs care.
func (g *generator) words() string {
	var b strings.Builder
	for range g.r.IntN(12) {
		b.WriteString(g.pick("word", " ", "tokens", "\n", `"`, `\`, "é", "日本", "😀", "\u0000", "\x7f", "/", "<&>", "\u2028", strings.Repeat("x", g.r.IntN(200))))
	}
	return b.String()
}

// text writes a string in JSON, with escapes of every kind.
func (g *generator) text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n' && g.r.IntN(2) == 0:
			b.WriteString(`\n`)
		case r == '/' && g.r.IntN(2) == 0:
			b.WriteString(`\/`)
		case r > 0xffff && g.r.IntN(2) == 0:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r < ' ' || (r <= 0xffff && g.r.IntN(20) == 0):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (g *generator) integer(t fact.FieldType) string {
	bits := map[fact.FieldType]uint{
		fact.UInt8: 8, fact.UInt16: 16, fact.UInt32: 32, fact.UInt64: 64, fact.Int8: 8, fact.Int16: 16, fact.Int32: 32, fact.Int64: 64,
	}[t]
	u := g.r.Uint64() >> (64 - bits)
	switch g.r.IntN(4) {
	case 0:
		u >>= g.r.IntN(int(bits)) // small ones
	case 1:
		u = math.MaxUint64 >> (64 - bits)
	}
	signed := t == fact.Int8 || t == fact.Int16 || t == fact.Int32 || t == fact.Int64
	text := strconv.FormatUint(u, 10)
	if signed {
		text = strconv.FormatInt(int64(u<<(64-bits))>>(64-bits), 10)
	}
	if bits == 64 && g.r.IntN(4) == 0 {
		return `"` + text + `"`
	}
	return text
}

func (g *generator) float(t fact.FieldType) string {
	var f float64
	switch g.r.IntN(4) {
	case 0:
		f = float64(g.r.IntN(1000)) / 100
	case 1:
		f = g.r.NormFloat64() * 1e6
	case 2:
		f = math.Float64frombits(g.r.Uint64())
	default:
		f = float64(math.Float32frombits(g.r.Uint32()))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) || (t == fact.Float32 && math.Abs(f) > math.MaxFloat32) {
		f = 0
	}
	text := strconv.FormatFloat(f, "feg"[g.r.IntN(3)], -1, 64)
	if len(text) > longestEngineNumber {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return text
}

// longestEngineNumber is less than the 316 bytes from which on the engine cannot
// read a number where one of its buffers ends in the middle of it, and takes it
// elsewhere.
const longestEngineNumber = 300

func (g *generator) time() string {
	day := fmt.Sprintf("%04d-%02d-%02d", 1901+g.r.IntN(398), 1+g.r.IntN(12), 1+g.r.IntN(28))
	clock := fmt.Sprintf("%02d:%02d:%02d", g.r.IntN(24), g.r.IntN(60), g.r.IntN(60))
	fraction := ""
	if g.r.IntN(2) == 0 {
		fraction = "." + fmt.Sprintf("%09d", g.r.IntN(1e9))[:1+g.r.IntN(9)]
	}
	switch g.r.IntN(6) {
	case 0:
		return `"` + day + `"`
	case 1:
		return strconv.FormatInt(minEpoch+g.r.Int64N(maxSecond*1000-minEpoch), 10)
	case 2:
		return fmt.Sprintf(`"%sT%s%s%s%02d:%02d"`, day, clock, fraction, g.pick("+", "-"), g.r.IntN(15), g.r.IntN(60))
	}
	return `"` + day + g.pick(" ", "T") + clock + fraction + g.pick("", "Z") + `"`
}

func (g *generator) decimal(f fact.Field) string {
	digits := make([]byte, f.Precision)
	for i := range digits {
		digits[i] = byte('0' + g.r.IntN(10))
	}
	whole := strings.TrimLeft(string(digits[:f.Precision-f.Scale]), "0")
	if whole == "" {
		whole = "0"
	}
	text := g.pick("", "-") + whole
	if f.Scale > 0 && g.r.IntN(3) > 0 {
		text += "." + string(digits[f.Precision-f.Scale:][:1+g.r.IntN(f.Scale)])
	}
	if g.r.IntN(3) == 0 {
		return `"` + text + `"`
	}
	return text
}

// object is for native JSON: what the server would change is left out, and no
// path comes twice.
func (g *generator) object(depth int) string {
	var pairs []string
	for i := range g.r.IntN(4) {
		pairs = append(pairs, fmt.Sprintf(`"k%d":%s`, i, g.json(depth)))
	}
	return "{" + strings.Join(pairs, g.space()+",") + "}"
}

func (g *generator) json(depth int) string {
	switch g.r.IntN(7) {
	case 0:
		return g.integer(fact.Int64)
	case 1:
		return "null"
	case 2:
		return g.pick("true", "false")
	case 3:
		if depth > 0 {
			return g.object(depth - 1)
		}
	case 4:
		if depth > 0 {
			return "[" + g.element(depth-1) + "," + g.space() + g.element(depth-1) + "]"
		}
	case 5: // with an exponent: integers are limited to 64 bits here
		f, _ := strconv.ParseFloat(g.float(fact.Float64), 64)
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return g.text(g.words())
}

// element is a value that an array of native JSON takes: no large integer, and no
// null, which needs text or a number beside it.
func (g *generator) element(depth int) string {
	for {
		text := g.json(depth)
		if n, err := strconv.ParseInt(text, 10, 64); text != "null" && (err != nil || n == int64(float64(n)) && max(n, -n) <= maxFloatInteger) {
			return text
		}
	}
}
