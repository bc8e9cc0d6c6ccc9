package erase

import (
	"context"
	"fmt"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/migrate"
	"github.com/factload/factload/ddl"
)

// server is one that has tables.
type server struct {
	client *chconn.Client
	host   string // HOST:PORT, of one of a cluster
}

// place is a table of a server.
type place struct {
	server
	table string
}

// places returns where the rows of a schema's table are: on the connected server, or in the tables of
// all hosts of its cluster. It returns none when there is no such table.
func (e *eraser) places(ctx context.Context, name string) ([]place, error) {
	main, err := migrate.New(e.Client).Inspect(ctx, name)
	if err != nil || main == nil {
		return nil, err
	}
	o, _ := e.Schema.Table.(ddl.Options)
	cluster := o.Cluster
	if main.IsDistributed() {
		cluster, name = main.Distributed.Cluster, main.Distributed.Local
	}
	if cluster == "" {
		return []place{{server{client: e.Client}, name}}, nil
	}
	shards, err := e.Client.Cluster(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var out []place
	for _, shard := range shards {
		if len(shard.Hosts) > 1 {
			return nil, chconn.SchemaError(fmt.Errorf("table %q: shard %d of the cluster %q has the replicas %q, and only shards without replicas can be erased from: "+
				"delete the rows by hand, with ALTER TABLE ... DELETE on one replica of each shard", name, shard.Number, cluster, shard.Hosts))
		}
		client, err := e.Client.At(shard.Hosts...)
		if err != nil {
			return nil, err
		}
		out = append(out, place{server{client, shard.Hosts[0]}, name})
	}
	return out, nil
}

// failed says on which host something failed.
func (s server) failed(err error) error {
	if err == nil || s.host == "" {
		return err
	}
	return fmt.Errorf("host %s: %w", s.host, err)
}

func (s server) exec(ctx context.Context, sql string, params ...any) error {
	return s.client.ExecAs(ctx, "erase", sql, params...)
}

func (s server) count(ctx context.Context, sql string, params ...any) (uint64, error) {
	var n []uint64
	if err := s.client.SelectAs(ctx, "count", &n, "SELECT toUInt64(("+sql+"))", params...); err != nil {
		return 0, err
	}
	return n[0], nil
}
