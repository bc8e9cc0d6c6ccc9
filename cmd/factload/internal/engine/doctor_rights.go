package engine

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse"
)

func rightsChecks() []check {
	return []check{{"rights", "the user has the rights that loads and services need", checkRights}}
}

// checkRights asks for the rights of loads and of services that make their tables.
func checkRights(ctx context.Context, client *clickhouse.Client) (found []finding, err error) {
	asked := make(map[string]bool)
	for _, role := range []clickhouse.Role{clickhouse.Writer, clickhouse.Migrator} {
		for _, grant := range clickhouse.Grants(role, client.Database()) {
			if asked[grant] {
				continue
			}
			asked[grant] = true
			var granted []uint8
			if err := client.Select(ctx, &granted, "CHECK GRANT "+grant); err != nil {
				return nil, err
			}
			if len(granted) != 1 || granted[0] == 0 {
				found = append(found, finding{
					Found:  fmt.Sprintf("the user lacks a right of a %s: %s", role, grant),
					Advice: fmt.Sprintf("GRANT %s TO the user, unless it is one who only reads (all rights of a %[2]s: factload grants %[2]s)", grant, role),
				})
			}
		}
	}
	return found, nil
}
