package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/schemas"
)

// wideFields is how many columns a wide row has besides its id.
const wideFields = 99

// wideTypes are the types of the fields of a wide row, in turn.
var wideTypes = []fact.FieldType{
	fact.UInt32, fact.Float64, fact.LowCardinalityString, fact.Int64, fact.Bool,
	fact.String, fact.UInt16, fact.DateTime64, fact.Float32, fact.UInt64,
}

// wideDefinition is a table of measurements as they come from devices: an id,
// and many fields of which a row has about half. Every third may be NULL.
func wideDefinition() (schemas.Definition, error) {
	s := fact.Schema{Name: "wide", OrderBy: []string{"id"}, Fields: []fact.Field{{Name: "id", Type: fact.UInt64}}}
	for i := range wideFields {
		s.Fields = append(s.Fields, fact.Field{Name: wideName(i), Type: wideTypes[i%len(wideTypes)], Nullable: i%3 == 0})
	}
	return schemas.Definition{Schema: s}, nil
}

func wideName(i int) string { return fmt.Sprintf("metric_%02d", i) }

// writeWide writes rows of the wide schema. The same number of rows is the
// same bytes on every machine.
func writeWide(ctx context.Context, w io.Writer, rows int) error {
	random := rand.New(rand.NewPCG(1, 100)) //nolint:gosec // made-up data keeps no secret
	keys := make([]string, wideFields)
	for i := range keys {
		keys[i] = `,"` + wideName(i) + `":`
	}
	var line []byte
	for row := range rows {
		line = strconv.AppendInt(append(line[:0], `{"id":`...), int64(row), 10)
		for i, key := range keys {
			if random.Uint32()%2 == 0 {
				line = appendWide(append(line, key...), random, wideTypes[i%len(wideTypes)])
			}
		}
		if _, err := w.Write(append(line, '}', '\n')); err != nil {
			return err
		}
		if row%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// appendWide appends a value of a type as JSON.
func appendWide(line []byte, random *rand.Rand, t fact.FieldType) []byte {
	switch t {
	case fact.UInt32, fact.UInt64, fact.Int64:
		return strconv.AppendUint(line, uint64(random.Uint32N(1_000_000)), 10)
	case fact.UInt16:
		return strconv.AppendUint(line, uint64(random.Uint32N(1000)), 10)
	case fact.Float64:
		return strconv.AppendFloat(line, float64(random.Uint32N(10_000_000))/10_000, 'f', -1, 64)
	case fact.Float32:
		return strconv.AppendFloat(line, float64(random.Uint32N(1024))/8, 'f', -1, 64) // exact in 32 bits
	case fact.Bool:
		return strconv.AppendBool(line, random.Uint32()%2 == 0)
	case fact.DateTime64:
		return fmt.Appendf(line, `"2026-10-%02dT%02d:%02d:%02d.%03dZ"`,
			1+random.Uint32N(28), random.Uint32N(24), random.Uint32N(60), random.Uint32N(60), random.Uint32N(1000))
	case fact.LowCardinalityString:
		return fmt.Appendf(line, `"state-%d"`, random.Uint32N(20))
	default:
		return fmt.Appendf(line, `"device %d of site %d"`, random.Uint32N(5000), random.Uint32N(40))
	}
}

// writeWideYAML writes the wide schema as a file for the factload command.
func writeWideYAML(path string) error {
	def, err := wideDefinition()
	if err != nil {
		return err
	}
	text := []byte("name: " + def.Schema.Name + "\norder_by: [id]\nfields:\n")
	for _, f := range def.Schema.Fields {
		text = fmt.Appendf(text, "  - {name: %s, type: %s, nullable: %t}\n", f.Name, f.Type, f.Nullable)
	}
	return os.WriteFile(path, text, 0o600)
}
