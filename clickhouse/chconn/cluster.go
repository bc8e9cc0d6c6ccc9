package chconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Shard is one shard of a cluster.
type Shard struct {
	// Number is that of the shard, from 1.
	Number uint32
	// Weight is its part of the rows, beside the weights of the other shards.
	Weight uint32
	// Hosts are the native addresses, HOST:PORT, of its replicas.
	Hosts []string
}

const clusterSQL = `SELECT cluster, shard_num, shard_weight, host_name, port FROM system.clusters ORDER BY cluster, shard_num, replica_num`

// Cluster returns the shards of a cluster that the server knows. A name that it does not
// know is an error of class [ErrSchema].
func (c *Client) Cluster(ctx context.Context, name string) ([]Shard, error) {
	op := fmt.Sprintf("cluster %q", name)
	var rows []struct {
		Cluster string `ch:"cluster"`
		Number  uint32 `ch:"shard_num"`
		Weight  uint32 `ch:"shard_weight"`
		Host    string `ch:"host_name"`
		Port    uint16 `ch:"port"`
	}
	if err := c.SelectAs(ctx, op, &rows, clusterSQL); err != nil {
		return nil, err
	}
	var shards []Shard
	var known []string
	for _, r := range rows {
		if !slices.Contains(known, r.Cluster) {
			known = append(known, r.Cluster)
		}
		if r.Cluster != name {
			continue
		}
		if n := len(shards); n == 0 || shards[n-1].Number != r.Number {
			shards = append(shards, Shard{Number: r.Number, Weight: r.Weight})
		}
		last := &shards[len(shards)-1]
		last.Hosts = append(last.Hosts, net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))))
	}
	if shards == nil {
		return nil, SchemaError(fmt.Errorf("%s: the server knows no cluster of that name; it knows %s", op, cmp.Or(strings.Join(known, ", "), "none")))
	}
	return shards, nil
}

// At returns a Client for other servers, native addresses HOST:PORT, that stand in for each other. It has the
// user, the database and the parameters of c, and connections of its own, as many as c may
// have. It is the same one for the same addresses, and closed with c. Addresses of a cluster
// are those of the native protocol, so that a Client over HTTP cannot say how to reach them.
func (c *Client) At(hosts ...string) (*Client, error) {
	if c.IsHTTP() {
		return nil, &Error{Op: "connect to " + strings.Join(hosts, ","), Class: ErrRejected, Cause: errNotOverHTTP, Text: errNotOverHTTP.Error()}
	}
	c.others.Lock()
	defer c.others.Unlock()
	key := strings.Join(hosts, ",")
	if other := c.others.clients[key]; other != nil {
		return other, nil
	}
	select {
	case <-c.closed:
		return nil, errClosed
	default:
	}
	opt := *c.opt
	opt.Addr = slices.Clone(hosts)
	opt.DialContext, opt.DialStrategy = nil, nil
	options := c.options
	options.httpPort = "" // is that of another server
	other, err := newClient(&opt, options, c.shown+" at "+key, c.redact)
	if err != nil {
		return nil, err
	}
	if c.others.clients == nil {
		c.others.clients = make(map[string]*Client)
	}
	c.others.clients[key] = other
	return other, nil
}

var errNotOverHTTP = errors.New("the hosts of a cluster are reached over the native protocol: use a DSN that begins with clickhouse://")

// FirstHost returns a Client for the first of the DSN's hosts alone.
func (c *Client) FirstHost() (*Client, error) {
	if len(c.opt.Addr) < 2 || c.IsHTTP() {
		return c, nil
	}
	return c.At(c.opt.Addr[0])
}

// closeOthers closes the Clients that At has made.
func (c *Client) closeOthers() error {
	c.others.Lock()
	defer c.others.Unlock()
	var errs []error
	for _, other := range c.others.clients {
		errs = append(errs, other.Close())
	}
	return errors.Join(errs...)
}
