package bulk

import (
	"context"
	"time"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// schemasTable is the table that keeps the definitions of the schemas that loads have
// used. Of several of a schema, the one with the highest number holds.
const schemasTable = ddl.ReservedPrefix + "_schemas"

func keptSchema() fact.Schema {
	return fact.Schema{
		Name: "schemas",
		Fields: []fact.Field{
			{Name: "name", Type: fact.String},
			{Name: "number", Type: fact.UInt64, Comment: "counts the definitions of the schema from 1"},
			{Name: "definition", Type: fact.String, Comment: "the schema as it was written"},
			{Name: "load", Type: fact.String, Comment: "name of the load"},
			{Name: "time", Type: fact.DateTime64},
		},
		OrderBy: []string{"name", "number"},
	}
}

// KeptSchema is a schema that a database remembers of a load.
type KeptSchema struct {
	// Name is the name of the schema.
	Name string `json:"name" ch:"name"`
	// Definition is the schema as it was given in [Target.Definition].
	Definition string `json:"definition" ch:"definition"`
	// Load names the load that has used it first, and Time says when, in UTC.
	Load string    `json:"load" ch:"load"`
	Time time.Time `json:"time" ch:"time"`

	Number uint64 `json:"-" ch:"number"`
}

const keptSchemasSQL = `SELECT name, definition, load, time, number FROM ` + schemasTable + ` ORDER BY name, number DESC, time DESC LIMIT 1 BY name`

// Schemas returns the schemas that loads into the client's database have used, sorted by
// name, each as it was used last. It changes nothing.
func Schemas(ctx context.Context, client *chconn.Client) ([]KeptSchema, error) {
	client, err := client.FirstHost()
	if err != nil {
		return nil, err
	}
	return keptSchemas(ctx, serverOf(client))
}

func keptSchemas(ctx context.Context, s server) ([]KeptSchema, error) {
	table, err := s.Inspect(ctx, schemasTable)
	if err != nil || table == nil {
		return nil, err
	}
	var kept []KeptSchema
	err = s.Select(ctx, &kept, keptSchemasSQL)
	return kept, err
}

// keepSchema keeps the definition of a table's schema, unless it is kept already.
func (l *load) keepSchema(ctx context.Context, t *table) error {
	if t.definition == "" {
		return nil
	}
	kept, err := keptSchemas(ctx, l.own)
	if err != nil {
		return err
	}
	number := uint64(1)
	for _, k := range kept {
		if k.Name == t.name && k.Definition == t.definition {
			return nil
		}
		if k.Name == t.name {
			number = k.Number + 1
		}
	}
	own, layout, err := ownTable(schemasTable, keptSchema(), ddl.Options{Comment: "schemas that factload load has used"})
	if err != nil {
		return err
	}
	if err := l.own.Ensure(ctx, own); err != nil {
		return err
	}
	rows := layout.NewBlock()
	err = rows.AppendFact("", map[string]any{
		"name": t.name, "number": number, "definition": t.definition, "load": l.id, "time": time.Now().UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return err
	}
	token := newToken("schema", t.name, t.definition, l.id)
	return l.own.Insert(ctx, insert.Insert{Table: schemasTable, Block: rows, Token: token.String()})
}
