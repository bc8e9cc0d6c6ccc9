package ddl

import (
	"fmt"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// Projection is a second copy of some columns of a table in another order, or
// already aggregated. The server keeps it up to date and reads it instead of
// the table where it answers a query sooner.
type Projection struct {
	// Name is the name of the projection, unique in its table.
	Name string `yaml:"name"`
	// Select is a query of the table's columns without FROM, such as
	// SELECT role, count() GROUP BY role. In Options and Table alike it is SQL
	// and trusted; see the package documentation.
	Select string `yaml:"select"`
}

func (c *optionChecker) projections(list []Projection) {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
		c.expression(fmt.Sprintf("projections[%d].select", i), sqltext.Brief(p.Select), sqltext.CheckSelect(p.Select))
	}
	c.names("projection", names)
}

// mergeSetting is what the server wants to know before it takes a projection
// for an engine that merges rows.
const mergeSetting = "deduplicate_merge_projection_mode"

// projectionEngine checks that the engine takes projections.
func (c *optionChecker) projectionEngine(o Options) {
	e, err := sqltext.ParseEngine(o.Engine)
	if err != nil || e.Family == "" || len(o.Projections) == 0 || o.Settings[mergeSetting] != "" {
		return
	}
	c.report("projections", fmt.Errorf("need settings.%s with the engine %s: rebuild keeps them right, drop drops them when parts are merged", mergeSetting, e))
}
