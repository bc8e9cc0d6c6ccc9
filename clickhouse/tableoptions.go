package clickhouse

import (
	"fmt"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
)

// optionsOf returns what is to be said of a schema's table: what the configuration
// says, or else the schema itself.
func (m *Materializer) optionsOf(s fact.Schema) (ddl.Options, error) {
	if options, ok := m.tables[s.Name]; ok {
		return options, nil
	}
	switch options := s.Table.(type) {
	case nil:
		return ddl.Options{}, nil
	case ddl.Options:
		return options, nil
	}
	return ddl.Options{}, fmt.Errorf("schema %q: its Table is a %T, which ClickHouse knows nothing of: give a ddl.Options", s.Name, s.Table)
}
