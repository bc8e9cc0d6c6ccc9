package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/ddl/diff"
)

// A table of a cluster is looked at and changed on one host after the other, each over
// connections of its own, and nothing is run ON CLUSTER: see docs/adr/0027. What one
// host has done for all, since its table or its database is replicated, the next one finds done.

// HostPlan is the plan for a table on one host.
type HostPlan struct {
	diff.Plan
	// Host is the native address of the host. It is empty for the connected server.
	Host string

	migrator *Migrator
}

// Place names the table, and the host if it is one of a cluster.
func (p HostPlan) Place() string {
	if p.Host == "" {
		return p.Table
	}
	return p.Table + " on " + p.Host
}

// Apply carries the plan out on its host, as [Migrator.Apply] does.
func (p HostPlan) Apply(ctx context.Context, allowed ...ddl.Hazard) error {
	return onHost(p.Host, p.migrator.Apply(ctx, p.Plan, allowed...))
}

// Here returns a plan for the connected server as one for a host.
func (m *Migrator) Here(plan diff.Plan) HostPlan { return HostPlan{Plan: plan, migrator: m} }

// PlanHosts plans for a table on every host of its cluster, in the order of shards and
// replicas, or on the connected server if it has no cluster. With only, it plans for
// that host alone, HOST:PORT. The table is one that [ddl.Expand] returns.
//
// Hosts that cannot be looked at are left out and named in the error, so that there may
// be plans beside it.
func (m *Migrator) PlanHosts(ctx context.Context, table ddl.Table, only string, options ...diff.Option) ([]HostPlan, error) {
	hosts, err := m.hosts(ctx, table)
	if err != nil {
		return nil, err
	}
	if only != "" {
		i := slices.IndexFunc(hosts, func(h host) bool { return h.name == only })
		if i < 0 {
			return nil, chconn.SchemaError(fmt.Errorf("table %q: %q is none of its hosts, which are %q", table.TableName(), only, names(hosts)))
		}
		hosts = hosts[i : i+1]
	}
	var plans []HostPlan
	var failed []error
	for _, h := range hosts {
		plan, err := h.migrator.Plan(ctx, h.table, options...)
		if err != nil {
			failed = append(failed, onHost(h.name, err))
			continue
		}
		plans = append(plans, HostPlan{Plan: plan, Host: h.name, migrator: h.migrator})
	}
	return plans, errors.Join(failed...)
}

// ensureHosts makes a table as it is wanted on every host of its cluster. What fails on
// one host does not keep the others from it.
func (m *Migrator) ensureHosts(ctx context.Context, table ddl.Table, allowed []ddl.Hazard) error {
	hosts, err := m.hosts(ctx, table)
	if err != nil {
		return err
	}
	var failed []error
	for _, h := range hosts {
		failed = append(failed, onHost(h.name, h.ensure(ctx, allowed)))
	}
	return errors.Join(failed...) // of those that are not nil
}

// ensure makes the table, and before it the database if that is allowed. That of the connected server is there.
func (h host) ensure(ctx context.Context, allowed []ddl.Hazard) error {
	if h.migrator.options.createDatabase && h.name != "" {
		if err := h.migrator.ensureDatabase(ctx); err != nil {
			return err
		}
	}
	return h.migrator.ensureTable(ctx, h.table, allowed)
}

// host is one of those that have a table.
type host struct {
	name     string
	migrator *Migrator
	table    ddl.Table // as it is to be on the host
}

func names(hosts []host) (out []string) {
	for _, h := range hosts {
		out = append(out, h.name)
	}
	return out
}

const databaseEngineSQL = "SELECT engine FROM system.databases WHERE name = currentDatabase()"

// hosts returns those that have the table.
func (m *Migrator) hosts(ctx context.Context, table ddl.Table) ([]host, error) {
	cluster := table.Cluster
	table.Cluster = ""
	if cluster == "" && !table.IsReplicated() {
		return []host{{migrator: m, table: table}}, nil
	}
	engine, err := m.client.SelectText(ctx, "look at the database", databaseEngineSQL)
	if err != nil {
		return nil, err
	}
	table = table.In(engine)
	if cluster == "" || engine == "Shared" { // whose hosts are all the same, and cannot be reached one by one
		return []host{{migrator: m, table: table}}, nil
	}
	shards, err := m.client.Cluster(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var out []host
	for _, shard := range shards {
		if len(shard.Hosts) > 1 && !table.IsReplicated() && !table.IsDistributed() {
			return nil, chconn.SchemaError(fmt.Errorf("table %q: shard %d of the cluster %q has the replicas %q, and the table is not replicated, so that each row would be on one of them alone: say replicated: true",
				table.TableName(), shard.Number, cluster, shard.Hosts))
		}
		for _, name := range shard.Hosts {
			client, err := m.client.At(name)
			if err != nil {
				return nil, err
			}
			out = append(out, host{name: name, migrator: m.on(client), table: table})
		}
	}
	return out, nil
}

// on returns the Migrator for the connections of another Client.
func (m *Migrator) on(client *chconn.Client) *Migrator {
	known, _ := m.others.LoadOrStore(client, &Migrator{client: client, options: m.options})
	other, _ := known.(*Migrator)
	return other
}

// onHost says on which host something failed. The class of the error stays.
func onHost(name string, err error) error {
	if err == nil || name == "" {
		return err
	}
	return fmt.Errorf("host %s: %w", name, err)
}
