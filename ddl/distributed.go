package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// distributedEngine is the engine of tables that keep no rows of their own.
const distributedEngine = "Distributed"

// Distributed says how rows are spread over the shards of a cluster: each shard has some
// of them in a table of its own, the local one, and a table of the engine Distributed
// reads all of these.
type Distributed struct {
	// Cluster is the name of the cluster.
	Cluster string
	// Database is that of the local tables. Empty means that of the Distributed table.
	Database string
	// Local is the name of the local tables.
	Local string
	// Key is the sharding key, an expression of an integer type. A row belongs to the
	// shard whose number is the remainder of the key divided by the sum of the shards' weights.
	// It is empty only in tables that others made.
	Key string
}

// LocalName is the name of the local tables of a schema that is distributed.
func LocalName(schema string) string { return schema + "_local" }

// newDistributed returns what the options say, or nil.
func newDistributed(schema string, o Options) *Distributed {
	if !o.Distributed {
		return nil
	}
	return &Distributed{Cluster: o.Cluster, Local: LocalName(schema), Key: strings.TrimSpace(o.ShardingKey)}
}

// engineSQL returns the engine with its arguments.
func (d Distributed) engineSQL() string {
	database := "currentDatabase()"
	if d.Database != "" {
		database = sqltext.QuoteString(d.Database)
	}
	return fmt.Sprintf("%s(%s, %s, %s, %s)", distributedEngine, sqltext.QuoteString(d.Cluster), database, sqltext.QuoteString(d.Local), d.Key)
}

// ParseDistributed reads what system.tables has as engine_full. It returns nil for other
// engines, and an error when the arguments are in no known form.
func ParseDistributed(engineFull string) (*Distributed, error) {
	if !strings.HasPrefix(engineFull, distributedEngine+"(") {
		return nil, nil //nolint:nilnil // documented
	}
	tokens, err := sqltext.Balanced(engineFull)
	if err != nil {
		return nil, fmt.Errorf("engine %s: %w", sqltext.Shorten(engineFull), err)
	}
	args := sqltext.SplitTop(tokens[2 : 1+sqltext.Closing(tokens[1:])])
	if len(args) < 3 || slices.ContainsFunc(args[:3], func(arg []sqltext.Token) bool { return len(arg) != 1 }) {
		return nil, fmt.Errorf("engine %s: its first arguments are not the names of a cluster, a database and a table", sqltext.Shorten(engineFull))
	}
	d := &Distributed{Cluster: args[0][0].Text, Database: args[1][0].Text, Local: args[2][0].Text}
	if len(args) > 3 {
		d.Key = sqltext.Source(engineFull, args[3])
	}
	return d, nil
}

// Names are the words and names in the sharding key, each once: functions, keywords,
// and the columns that it needs.
func (d Distributed) Names() []string {
	tokens, err := sqltext.Tokenize(d.Key)
	if err != nil {
		return nil
	}
	return namesIn(tokens)
}

// namesIn returns the words and names among the tokens, each once.
func namesIn(tokens []sqltext.Token) []string {
	var out []string
	for _, t := range tokens {
		if (t.Kind == sqltext.WordToken || t.Kind == sqltext.NameToken) && !slices.Contains(out, t.Text) {
			out = append(out, t.Text)
		}
	}
	return out
}

// changing are what the names of functions begin with whose answer is another one each
// time, or on each host.
var changing = []string{"rand", "generate", "now", "today", "yesterday", "rownumber", "blocknumber", "current", "hostname", "fqdn", "server", "uptime", "tcpport", "shardnum", "shardcount"}

// CheckKey says why rows that are inserted again might go to another shard than the
// first time, or that there is no sharding key. It is nil for a key that depends on the row alone.
func (d Distributed) CheckKey() error {
	if strings.TrimSpace(d.Key) == "" {
		return errors.New("is missing: name an expression of the row that is an integer, such as cityHash64(id)")
	}
	if err := sqltext.CheckExpr(d.Key, false); err != nil {
		return fmt.Errorf("%q %w", sqltext.Shorten(d.Key), err)
	}
	tokens, err := sqltext.Tokenize(d.Key)
	if err != nil {
		return err
	}
	for i, t := range tokens {
		if t.Kind != sqltext.WordToken || i+1 == len(tokens) || !tokens[i+1].Is("(") {
			continue
		}
		name := strings.ToLower(t.Text)
		if slices.ContainsFunc(changing, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			return fmt.Errorf("calls %s, by which a row that is inserted again may go to another shard and be stored twice: use an expression of the row, such as cityHash64(id)", t.Text)
		}
	}
	return nil
}

// IsDistributed reports whether the table is of the engine Distributed.
func (t Table) IsDistributed() bool { return t.Engine == distributedEngine }

// split returns the local table and the Distributed one of a table that is spread over
// shards, in the order in which they are made, and any other table alone.
func (t Table) split() []Table {
	if t.Distributed == nil || t.IsDistributed() {
		return []Table{t}
	}
	local := t
	local.Name, local.Distributed = t.Distributed.Local, nil
	all := Table{Database: t.Database, Name: t.Name, Engine: distributedEngine, Distributed: t.Distributed, Comment: t.Comment, Cluster: t.Cluster}
	for _, c := range t.Columns {
		c.Codec, c.TTL = "", ""
		all.Columns = append(all.Columns, c)
	}
	return []Table{local, all}
}

// replicatedArgs say where the replicas of a table meet, in databases that do not know it themselves.
// The server puts in what stands in braces; {shard} and {replica} are macros of its configuration.
const replicatedArgs = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"

// replicatedEngine returns the replicated form of an engine. One that has a form of its own stays.
func replicatedEngine(engine string) string {
	e, err := sqltext.ParseEngine(engine)
	if err != nil || e.Replicated() {
		return engine
	}
	args := append([]string{replicatedArgs}, e.Args...)
	return "Replicated" + e.Family + "MergeTree(" + strings.Join(args, ", ") + ")"
}

// In returns the table as it is made in a database of an engine. Databases of the engines
// Replicated and Shared say themselves where the replicas of a table meet.
func (t Table) In(databaseEngine string) Table {
	e, err := sqltext.ParseEngine(t.Engine)
	if err == nil && e.Replicated() && (databaseEngine == "Replicated" || databaseEngine == "Shared") {
		t.Engine = e.String()
	}
	return t
}

// IsReplicated reports whether the replicas of a shard share the rows of the table.
func (t Table) IsReplicated() bool {
	e, err := sqltext.ParseEngine(t.Engine)
	return err == nil && e.Replicated()
}

// cluster checks the options about clusters by themselves.
func (c *optionChecker) cluster(o Options) {
	if o.Cluster != "" {
		c.add(checkName("cluster", o.Cluster))
	}
	if !o.Distributed {
		if o.ShardingKey != "" {
			c.report("sharding_key", errors.New("says how rows are spread over shards, which takes distributed: true"))
		}
		return
	}
	if o.Cluster == "" {
		c.report("distributed", errors.New("takes the name of a cluster in cluster"))
	}
	if err := (Distributed{Key: o.ShardingKey}).CheckKey(); err != nil {
		c.report("sharding_key", err)
	}
	if len(o.Views) > 0 {
		c.report("views", errors.New("of a table that is distributed are not supported: define them by hand on the local tables"))
	}
}
