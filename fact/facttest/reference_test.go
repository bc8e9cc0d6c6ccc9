package facttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/facttest/internal/rows"
)

// reference is the simplest right materializer there is, with a switch for
// each way to get it wrong.
type reference struct {
	faults []string
	tables *tables

	mu      sync.Mutex
	schemas map[string]fact.Schema
	closed  bool
	pending []row // what faults leave behind
	bad     bool  // a bad fact is being refused
}

// tables is where the references of one target store their rows.
type tables struct {
	mu   sync.Mutex
	rows map[string][]map[string]any
}

// row is a row on its way to a table.
type row struct {
	table  string
	values map[string]any
}

// The faults of reference.
const (
	ensureRefusesNone    = "refuses no schemas"
	ensureEmpties        = "empties tables that exist"
	ensureRaces          = "fails when another creates the table"
	ensureAcceptsAny     = "accepts unsound schemas"
	ensureIgnoresContext = "ignores an ended ctx in EnsureSchema"
	storesLater          = "returns before the rows are stored"
	readsFloats          = "reads all numbers as floats"
	ignoresDefaults      = "ignores defaults"
	forgetsID            = "leaves the ID out"
	mixesTables          = "puts a call into the table of its first fact"
	dropsEqualRows       = "drops rows that it has already"
	cutsCalls            = "stores a thousand facts of a call"
	refusesNoFacts       = "refuses no facts"
	dropsUnknownSchemas  = "drops facts of unknown schemas"
	dropsUnknownKeys     = "drops unknown keys"
	wrapsIntegers        = "wraps integers around"
	hidesIndex           = "does not say which fact is bad"
	storesGoodFacts      = "stores the good facts of a bad call"
	keepsRefused         = "keeps the facts before a bad one for the next call"
	fillsMaps            = "fills defaults into the facts' maps"
	keepsMaps            = "keeps the facts' maps"
	materializesAnyway   = "ignores an ended ctx in Materialize"
	failsNeighbours      = "fails whoever calls while a fact is refused"
	prepareStores        = "stores in Prepare"
	discardStores        = "stores in Discard"
	prepareIsLax         = "checks nothing in Prepare"
	prepareNil           = "prepares nil for no facts"
	prepareEncodesLate   = "encodes in Materialize of prepared facts"
	preparedAnyway       = "ignores an ended ctx with prepared facts"
	preparedShare        = "prepares all facts in one buffer"
	closesOnce           = "cannot be closed again"
	worksOn              = "works on after Close"
	acknowledgesClosed   = "acknowledges after Close and drops"
)

func newTables() *tables { return &tables{rows: make(map[string][]map[string]any)} }

func newReference(t *tables, faults ...string) *reference {
	return &reference{faults: faults, tables: t, schemas: make(map[string]fact.Schema)}
}

// referenceTarget returns a target of references with the faults.
func referenceTarget(faults ...string) MaterializerTarget {
	t := newTables()
	return MaterializerTarget{
		New:  func() fact.Materializer { return newReference(t, faults...) },
		Rows: t.of,
	}
}

func (t *tables) of(schema fact.Schema) []map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.rows[schema.Name])
}

func (r *reference) has(fault string) bool { return slices.Contains(r.faults, fault) }

func (r *reference) EnsureSchema(ctx context.Context, schemas ...fact.Schema) error {
	if len(schemas) == 0 && r.has(ensureRefusesNone) {
		return errors.New("no schemas")
	}
	if err := ctx.Err(); err != nil && !r.has(ensureIgnoresContext) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed && !r.has(worksOn) {
		return errors.New("closed")
	}
	for _, s := range schemas {
		if err := s.Validate(); err != nil && !r.has(ensureAcceptsAny) {
			return err
		}
		if err := r.create(s.Name); err != nil {
			return err
		}
		r.schemas[s.Name] = s
	}
	return nil
}

func (r *reference) create(name string) error {
	r.tables.mu.Lock()
	defer r.tables.mu.Unlock()
	_, exists := r.tables.rows[name]
	if !exists && r.has(ensureRaces) {
		r.tables.mu.Unlock()
		waitForOthers()
		r.tables.mu.Lock()
		if _, exists := r.tables.rows[name]; exists {
			return errors.New("table exists")
		}
	}
	if !exists || r.has(ensureEmpties) {
		r.tables.rows[name] = []map[string]any{}
	}
	return nil
}

func (r *reference) Materialize(ctx context.Context, facts ...fact.Fact) error {
	if len(facts) == 0 && r.has(refusesNoFacts) {
		return errors.New("no facts")
	}
	if err := ctx.Err(); err != nil && !r.has(materializesAnyway) {
		return err
	}
	rows, err := r.encode(facts)
	if err != nil {
		return err
	}
	return r.store(rows)
}

// store commits the rows unless the reference is closed.
func (r *reference) store(rows []row) error {
	r.mu.Lock()
	closed := r.closed
	rows = append(rows, r.pending...)
	r.pending = nil
	bad := r.bad
	r.mu.Unlock()
	switch {
	case closed && r.has(acknowledgesClosed):
		return nil
	case closed && !r.has(worksOn):
		return errors.New("closed")
	case bad && r.has(failsNeighbours):
		return errors.New("the block failed")
	case r.has(storesLater):
		go func() {
			waitForOthers()
			r.tables.add(rows)
		}()
		return nil
	}
	if r.has(dropsEqualRows) {
		rows = slices.DeleteFunc(rows, r.tables.have)
	}
	if r.has(cutsCalls) {
		rows = rows[:min(len(rows), 1000)]
	}
	r.tables.add(rows)
	return nil
}

func (t *tables) add(rows []row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, row := range rows {
		t.rows[row.table] = append(t.rows[row.table], row.values)
	}
}

func (t *tables) have(r row) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range t.rows[r.table] {
		if fmt.Sprint(other) == fmt.Sprint(r.values) {
			return true
		}
	}
	return false
}

// encode returns the rows of the facts.
func (r *reference) encode(facts []fact.Fact) ([]row, error) {
	var rows []row
	for i, f := range facts {
		values, err := r.encodeFact(f)
		if errors.Is(err, errDropped) {
			continue
		}
		if err != nil {
			r.refused(rows)
			if r.has(storesGoodFacts) {
				r.tables.add(rows)
			}
			if r.has(hidesIndex) {
				return nil, err
			}
			return nil, &fact.FactError{Index: i, Schema: f.Schema, ID: f.ID, Err: err}
		}
		table := f.Schema
		if r.has(mixesTables) {
			table = facts[0].Schema
		}
		rows = append(rows, row{table, values})
	}
	return rows, nil
}

func (r *reference) refused(before []row) {
	if r.has(keepsRefused) {
		r.mu.Lock()
		r.pending = append(r.pending, before...)
		r.mu.Unlock()
	}
	if r.has(failsNeighbours) {
		r.setBad(true)
		waitForOthers()
		r.setBad(false)
	}
}

func (r *reference) setBad(bad bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = bad
}

// errDropped means that a fact is dropped by a fault.
var errDropped = errors.New("dropped")

func (r *reference) encodeFact(f fact.Fact) (map[string]any, error) {
	r.mu.Lock()
	schema, ok := r.schemas[f.Schema]
	r.mu.Unlock()
	switch {
	case !ok && r.has(dropsUnknownSchemas):
		return nil, errDropped
	case !ok:
		return nil, errors.New("unknown schema")
	}
	for key := range f.Data {
		if _, ok := schema.FieldByName(key); !ok && !r.has(dropsUnknownKeys) {
			return nil, fmt.Errorf("unknown key %q", key)
		}
	}
	values := make(map[string]any, len(schema.Fields))
	for _, field := range schema.Fields {
		value, given := f.Data[field.Name]
		var err error
		if given {
			value, err = r.encodeValue(field, value)
		} else {
			value, err = r.missing(schema, field, f.ID)
		}
		if err == nil && given && field.FactID && value != f.ID && f.ID != "" {
			err = errors.New("another ID")
		}
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", field.Name, err)
		}
		values[field.Name] = value
	}
	if r.has(fillsMaps) {
		maps.Copy(f.Data, values)
	}
	if r.has(keepsMaps) {
		return f.Data, nil
	}
	return values, nil
}

func (r *reference) missing(schema fact.Schema, field fact.Field, id string) (any, error) {
	switch {
	case field.FactID && r.has(forgetsID):
		return "", nil
	case field.FactID && id == "":
		return nil, errors.New("no ID")
	case field.FactID:
		return id, nil
	case field.Default != nil && !r.has(ignoresDefaults):
		return field.Default, nil
	case slices.Contains(schema.OrderBy, field.Name):
		return nil, errors.New("missing")
	case field.Nullable:
		return nil, nil
	case field.Array:
		return []any{}, nil
	}
	zero := rows.Samples()[field.Type].Zero
	if field.Type == fact.Enum {
		zero = field.Values[0]
	}
	return zero, nil
}

func (r *reference) encodeValue(f fact.Field, value any) (any, error) {
	if err := fitsGo(value); err != nil {
		return nil, err
	}
	v, err := rows.Plain(f, value)
	if err != nil {
		return nil, err
	}
	if r.has(readsFloats) {
		if text, err := json.Marshal(value); err == nil {
			v = nil
			_ = json.Unmarshal(text, &v)
		}
	}
	if v == nil {
		if !f.Nullable {
			return nil, errors.New("null")
		}
		return nil, nil
	}
	if list, ok := v.([]any); ok && f.Array {
		for i, element := range list {
			if err := r.fits(f, element); err != nil {
				return nil, err
			}
			list[i] = readable(f, element)
		}
		return list, nil
	}
	if f.Array {
		return nil, errors.New("not a list")
	}
	if err := r.fits(f, v); err != nil {
		return nil, err
	}
	return readable(f, v), nil
}

// readable returns a value as Rows gives it.
func readable(f fact.Field, v any) any {
	if f.Type != fact.JSON {
		return v
	}
	text, _ := json.Marshal(v) // what was decoded can be encoded
	return string(text)
}

// fitsGo refuses what JSON does not show.
func fitsGo(value any) error {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			return errors.New("not UTF-8")
		}
	case []byte:
		return errors.New("bytes")
	}
	return nil
}

// integers are the ranges of the integer types.
var integers = map[fact.FieldType][2]string{
	fact.UInt8: {"0", "255"}, fact.UInt16: {"0", "65535"}, fact.UInt32: {"0", "4294967295"}, fact.UInt64: {"0", "18446744073709551615"},
	fact.Int8: {"-128", "127"}, fact.Int16: {"-32768", "32767"}, fact.Int32: {"-2147483648", "2147483647"},
	fact.Int64: {"-9223372036854775808", "9223372036854775807"},
}

// fits checks one value, as JSON decodes it.
func (r *reference) fits(f fact.Field, v any) error {
	if _, err := rows.Value(f, v, rows.Given); err != nil && !r.has(readsFloats) {
		return err
	}
	number, isNumber := v.(json.Number)
	text, isText := v.(string)
	switch f.Type {
	case fact.String, fact.LowCardinalityString, fact.UUID, fact.Date, fact.DateTime64, fact.Enum:
		if !isText || (f.Type == fact.Enum && !slices.Contains(f.Values, text)) {
			return fmt.Errorf("%v does not fit", v)
		}
	case fact.Decimal:
		return fitsDecimal(f, strings.Trim(fmt.Sprint(v), `"`))
	default:
		limits, isInteger := integers[f.Type]
		if !isInteger || r.has(wrapsIntegers) || r.has(readsFloats) {
			return nil
		}
		if !isNumber {
			return fmt.Errorf("%v is not a number", v)
		}
		return within(number.String(), limits)
	}
	return nil
}

func within(text string, limits [2]string) error {
	x, _ := new(big.Rat).SetString(text)
	low, _ := new(big.Rat).SetString(limits[0])
	high, _ := new(big.Rat).SetString(limits[1])
	if x == nil || !x.IsInt() || x.Cmp(low) < 0 || x.Cmp(high) > 0 {
		return fmt.Errorf("%s is out of range", text)
	}
	return nil
}

func fitsDecimal(f fact.Field, text string) error {
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		return fmt.Errorf("%q is not a decimal", text)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(f.Scale)), nil)
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(f.Precision)), nil)
	x.Mul(x, new(big.Rat).SetInt(unit))
	if !x.IsInt() || x.Num().CmpAbs(limit) >= 0 {
		return fmt.Errorf("%q does not fit", text)
	}
	return nil
}

// preparedRows is what a reference prepares.
type preparedRows struct {
	r     *reference
	rows  []row
	facts []fact.Fact // encoded late, by a fault
}

func (r *reference) Prepare(ctx context.Context, facts ...fact.Fact) (fact.Prepared, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(facts) == 0 && r.has(prepareNil) {
		return nil, nil
	}
	if r.has(prepareEncodesLate) || r.has(prepareIsLax) {
		return &preparedRows{r: r, facts: facts}, nil
	}
	rows, err := r.encode(facts)
	if err != nil {
		return nil, err
	}
	if r.has(prepareStores) {
		return &preparedRows{r: r}, r.store(rows)
	}
	if r.has(preparedShare) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pending = append(r.pending, rows...)
		return &preparedRows{r: r}, nil
	}
	return &preparedRows{r: r, rows: rows}, nil
}

func (p *preparedRows) Materialize(ctx context.Context) error {
	if err := ctx.Err(); err != nil && !p.r.has(preparedAnyway) {
		return err
	}
	if p.facts != nil {
		return p.r.Materialize(ctx, p.facts...)
	}
	return p.r.store(p.rows)
}

func (p *preparedRows) Discard() {
	if p.r.has(discardStores) {
		_ = p.r.store(p.rows) // it is a fault
	}
}

func (r *reference) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed && r.has(closesOnce) {
		return errors.New("closed")
	}
	r.closed = true
	return nil
}

var (
	_ fact.Materializer = (*reference)(nil)
	_ fact.Preparer     = (*reference)(nil)
	_ closer            = (*reference)(nil)
)
