package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/ddl"
	"github.com/factload/factload/fact"
	"github.com/factload/factload/internal/enginetest"
)

// with returns the DSN with some of its parts replaced.
func with(t testing.TB, dsn string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	change(u)
	return u.String()
}

func open(t testing.TB, dsn string, opts ...Option) *Client {
	t.Helper()
	c, err := Open(dsn, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func host(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	return u.Host
}

func password(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	p, _ := u.User.Password()
	return p
}

func TestPing(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		require.NoError(t, c.Ping(t.Context()))
		require.Equal(t, db.Name, c.Database())
		require.NotContains(t, c.String(), password(t, db.DSN))
		require.Contains(t, c.String(), db.Name)
	})
}

// TestMistakes makes the mistakes that users make, on the real engine.
func TestMistakes(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	user := func(u *url.URL) string { return u.User.Username() }
	nobody := closedAddr(t)
	for _, tc := range []struct {
		name, dsn string
		change    func(u *url.URL)
		want      string // WHERE, USER and DB are replaced
		class     error
	}{
		{
			"native: wrong password", db.DSN, func(u *url.URL) { u.User = url.UserPassword(user(u), "wrong-S3CR3T") },
			`ping: WHERE refuses user "USER": unknown user or wrong password (code 516, AUTHENTICATION_FAILED): check user and password of the DSN, and that special characters are percent-encoded`, ErrRejected,
		},
		{
			"http: wrong password", db.HTTPDSN, func(u *url.URL) { u.User = url.UserPassword(user(u), "wrong-S3CR3T") },
			`ping: WHERE refuses user "USER": unknown user or wrong password (code 516, AUTHENTICATION_FAILED): check user and password of the DSN, and that special characters are percent-encoded`, ErrRejected,
		},
		{
			"native: unknown database", db.DSN, func(u *url.URL) { u.Path = "/no_such_db" },
			`ping: database "no_such_db" does not exist on WHERE (code 81, UNKNOWN_DATABASE): check the database of the DSN, or create it with CREATE DATABASE`, ErrSchema,
		},
		{
			"http: unknown database", db.HTTPDSN, func(u *url.URL) { u.Path = "/no_such_db" },
			`ping: database "no_such_db" does not exist on WHERE (code 81, UNKNOWN_DATABASE): check the database of the DSN, or create it with CREATE DATABASE`, ErrSchema,
		},
		{
			"native: server down", db.DSN, func(u *url.URL) { u.Host = nobody },
			`ping: connect to WHERE: connection refused: is the server running? "factload serve" starts one`, ErrRetryable,
		},
		{
			"http: server down", db.HTTPDSN, func(u *url.URL) { u.Host = nobody },
			`ping: connect to WHERE: connection refused: is the server running? "factload serve" starts one`, ErrRetryable,
		},
		{
			"native to http port", db.DSN, func(u *url.URL) { u.Host = host(t, db.HTTPDSN) },
			`ping: connect to WHERE: the server answers in HTTP: the DSN means the native protocol (usually port 9000), but this is a port for HTTP: give the native port, or begin the DSN with http://`, ErrRejected,
		},
		{
			"http to native port", db.HTTPDSN, func(u *url.URL) { u.Host = host(t, db.DSN) },
			`the DSN means HTTP (usually port 8123), but this is a port for the native protocol: give the HTTP port, or begin the DSN with clickhouse://`, ErrRejected,
		},
		{
			"native tls to plain port", db.DSN, func(u *url.URL) { u.RawQuery = "secure=true&dial_timeout=2s" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, ErrRejected,
		},
		{
			"https to plain port", db.HTTPDSN, func(u *url.URL) { u.Scheme = "https" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, ErrRejected,
		},
		{
			"https to native port", db.DSN, func(u *url.URL) { u.Scheme = "https"; u.RawQuery = "dial_timeout=2s" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, ErrRejected,
		},
		{
			"unknown host", db.DSN, func(u *url.URL) { u.Host = "no-such-host.invalid:9000" },
			`no-such-host.invalid:9000`, ErrRetryable,
		},
		{
			"unknown setting", db.DSN, func(u *url.URL) { u.RawQuery = "no_such_setting=1" },
			`no_such_setting`, ErrRejected,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dsn := with(t, tc.dsn, tc.change)
			c := open(t, dsn)
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			want := strings.NewReplacer("WHERE", u.Host, "USER", user(u), "DB", db.Name).Replace(tc.want)

			errs := []error{
				c.Ping(t.Context()),
				c.Insert(t.Context(), Insert{Table: "t", Block: blockOf(t, compile(t, smallSchema), `{"n":1}`)}),
			}
			for i, err := range errs {
				if i == 1 {
					want = strings.Replace(want, "ping: ", `insert into "t": `, 1)
				}
				require.ErrorContains(t, err, want)
				require.ErrorIs(t, err, tc.class)
				for e := range chain(err) {
					require.NotContains(t, e.Error(), "S3CR3T")
					require.NotContains(t, e.Error(), password(t, db.DSN))
				}
			}
		})
	}
}

var smallSchema = fact.Schema{Name: "t", Fields: []fact.Field{{Name: "n", Type: fact.UInt32}}}

func TestTLS(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	serverTLS, clientTLS := certificate(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dsn := newProxy(t, dsn, serverTLS)
			s := smallSchema
			s.Name = "tls_" + name

			c := open(t, dsn, WithTLS(clientTLS))
			require.NoError(t, c.Ping(t.Context()))
			ensure(t, c, s, ddl.Options{})
			require.NoError(t, c.Insert(t.Context(), Insert{Table: s.Name, Block: blockOf(t, compile(t, s), `{"n":7}`)}))
			require.Equal(t, "7", db.Query(t, "SELECT n FROM "+s.Name))

			var out bytes.Buffer
			err := c.QueryFormat(t.Context(), &out, "CSV", "SELECT 1")
			if name == "native" {
				require.ErrorIs(t, err, ErrRejected)
				require.ErrorContains(t, err, "the server tells no https_port, and only HTTP can format an answer: give an http:// DSN")
			} else {
				require.NoError(t, err)
			}

			secure := with(t, dsn, func(u *url.URL) {
				u.RawQuery = "secure=true"
				u.Scheme = map[string]string{"native": "clickhouse", "http": "https"}[name]
			})
			err = open(t, secure).Ping(t.Context())
			require.ErrorIs(t, err, ErrRejected)
			require.ErrorContains(t, err, "check the certificate, the host name and the clock, or give your own authority with WithTLS")

			skip := with(t, secure, func(u *url.URL) { u.RawQuery += "&skip_verify=true" })
			require.NoError(t, open(t, skip).Ping(t.Context()))

			err = open(t, dsn).Ping(t.Context())
			require.Error(t, err)
			if name == "native" {
				require.ErrorContains(t, err, "TLS")
			}
		})
	}
}

func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			down1, down2, silent := closedAddr(t), closedAddr(t), silentAddr(t)
			hosts := func(list ...string) string {
				return strings.Replace(dsn, host(t, dsn), strings.Join(list, ","), 1) + "?dial_timeout=2s"
			}
			s := smallSchema
			s.Name = "hosts_" + name
			for i, list := range [][]string{{down1, host(t, dsn)}, {silent, host(t, dsn)}, {host(t, dsn), down1}} {
				c := open(t, hosts(list...))
				require.NoError(t, c.Ping(t.Context()), list)
				ensure(t, c, s, ddl.Options{})
				b := compile(t, s).NewBlock()
				require.NoError(t, b.AppendFact("", map[string]any{"n": i}))
				require.NoError(t, c.Insert(t.Context(), Insert{Table: s.Name, Block: b}))
			}
			require.Equal(t, "3", db.Query(t, "SELECT count() FROM "+s.Name))

			err := open(t, hosts(down1, down2)).Ping(t.Context())
			require.EqualError(t, err, "ping: connect to "+down1+": connection refused; connect to "+down2+": connection refused: "+
				`is the server running? "factload serve" starts one`)
			require.ErrorIs(t, err, ErrRetryable)
		})
	}
}

func TestOrderOfHosts(t *testing.T) {
	t.Parallel()
	d := &dialer{hosts: []string{"a", "b", "c"}}
	require.Equal(t, []string{"a", "b", "c"}, d.order(1))
	d.strategy = chgo.ConnOpenRoundRobin
	require.Equal(t, []string{"b", "c", "a"}, d.order(1))
	require.Equal(t, []string{"c", "a", "b"}, d.order(5))
	d.strategy = chgo.ConnOpenRandom
	for range 20 {
		require.ElementsMatch(t, []string{"a", "b", "c"}, d.order(1))
	}
	require.Equal(t, []string{"a", "b", "c"}, d.hosts)
}

func TestSilentServerIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"clickhouse", "http"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			addr := silentAddr(t)
			insert := Insert{Table: "t", Block: blockOf(t, compile(t, smallSchema), `{"n":1}`)}

			c := open(t, scheme+"://u:p@"+addr+"/db?dial_timeout=300ms")
			for _, err := range []error{c.Ping(t.Context()), c.Insert(t.Context(), insert)} {
				require.ErrorIs(t, err, ErrRetryable)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "connect to "+addr+": no answer within dial_timeout (300ms)")
			}

			c = open(t, scheme+"://u:p@"+addr+"/db?dial_timeout=24h")
			for name, call := range map[string]func(context.Context) error{
				"ping":   c.Ping,
				"insert": func(ctx context.Context) error { return c.Insert(ctx, insert) },
				"exec":   func(ctx context.Context) error { return c.Exec(ctx, "SELECT 1") },
			} {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, cancel)
				err := call(ctx)
				require.ErrorIs(t, err, context.Canceled, name)
				require.NotErrorIs(t, err, ErrRetryable)
			}
		})
	}
}

func TestCallsAfterClose(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *Client) {
		require.NoError(t, c.Ping(t.Context()))
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		_, err := c.Query(t.Context(), "SELECT 1") //nolint:gocritic // there are no rows to close
		_, inspectErr := c.Inspect(t.Context(), "t")
		var rows []struct{ N uint8 }
		for _, err := range []error{
			err, inspectErr, c.Ping(t.Context()), c.Exec(t.Context(), "SELECT 1"),
			c.Select(t.Context(), &rows, "SELECT 1 AS N"), c.QueryFormat(t.Context(), new(bytes.Buffer), "CSV", "SELECT 1"),
			c.Insert(t.Context(), Insert{Table: "t", Block: blockOf(t, compile(t, smallSchema), `{"n":1}`)}),
			c.Ensure(t.Context(), ddl.Table{Name: "t"}),
		} {
			require.ErrorIs(t, err, ErrClosed)
			require.ErrorContains(t, err, "client is closed")
		}
	})
}

func TestConnectionsAreBoundedAndWaitedFor(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		c := open(t, dsn+"?max_open_conns=1")
		rows, err := c.Query(t.Context(), "SELECT number FROM numbers(3)")
		require.NoError(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		require.ErrorIs(t, c.Ping(ctx), context.DeadlineExceeded)
		cancel()

		done := make(chan error, 1)
		go func() { done <- c.Ping(t.Context()) }()
		var n, sum uint64
		for rows.Next() {
			require.NoError(t, rows.Scan(&n))
			sum += n
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.NoError(t, rows.Close())
		require.EqualValues(t, 3, sum)
		require.NoError(t, <-done)
	}
}

func TestIdleConnectionsThatWereCutAreReplaced(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, dsn := newProxy(t, dsn, nil)
			c := open(t, dsn)
			s := smallSchema
			s.Name = "idle_" + name
			ensure(t, c, s, ddl.Options{})
			for i := range 10 {
				b := compile(t, s).NewBlock()
				require.NoError(t, b.AppendFact("", map[string]any{"n": i}))
				in := Insert{Table: s.Name, Block: b, Token: strconv.Itoa(i)}
				err := c.Insert(t.Context(), in)
				for errors.Is(err, ErrAmbiguous) { // written before the cut was seen, which only HTTP cannot tell
					require.Equal(t, "http", name)
					err = c.Insert(t.Context(), in)
				}
				require.NoError(t, err)
				require.NoError(t, c.Ping(t.Context()))
				p.cutAll()
			}
			require.Equal(t, "10", db.Query(t, "SELECT count() FROM "+s.Name))
		})
	}
}

func TestRowsCanBeLeftUnread(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *Client) {
		for range 3 {
			rows, err := c.Query(t.Context(), "SELECT number FROM system.numbers") // has no end
			require.NoError(t, err)
			require.Equal(t, []string{"number"}, rows.Columns())
			var n uint64
			require.True(t, rows.Next())
			require.NoError(t, rows.Scan(&n))
			require.Error(t, rows.Scan())
			require.NoError(t, rows.Close())
			require.NoError(t, c.Ping(t.Context()))
		}
		rows, err := c.Query(t.Context(), "SELECT throwIf(number = 100000) FROM numbers(200000)")
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			require.NoError(t, rows.Close())
		}
		require.ErrorIs(t, err, ErrRejected)
		require.ErrorContains(t, err, "code 395")
	})
}

// brokenWriter takes some bytes and no more.
type brokenWriter struct{ left int }

var errBrokenWriter = errors.New("the writer is broken")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errBrokenWriter
	}
	return len(p), nil
}

func TestQueryFormatReportsTheWriter(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *Client) {
		err := c.QueryFormat(t.Context(), &brokenWriter{left: 1000}, "CSV", "SELECT number FROM system.numbers")
		require.ErrorIs(t, err, errBrokenWriter)
		require.NotErrorIs(t, err, ErrRetryable)
		require.EqualError(t, err, "query: write the answer: the writer is broken")
		require.NoError(t, c.Ping(t.Context()))
	})
}

func TestQueryFormat(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *Client) {
		db.Exec(t, "CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
		db.Exec(t, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
		var out bytes.Buffer
		require.NoError(t, c.QueryFormat(t.Context(), &out, "JSONEachRow", "SELECT * FROM t ORDER BY n"))
		require.Equal(t, "{\"n\":1,\"s\":\"a\"}\n{\"n\":2,\"s\":\"b\"}\n", out.String())
		out.Reset()
		require.NoError(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT n FROM {tab:Identifier} WHERE s = {s:String}", Param("tab", "t"), Param("s", "b")))
		require.Equal(t, "2\n", out.String())

		require.ErrorContains(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT x FROM t"), "UNKNOWN_IDENTIFIER")
		require.ErrorIs(t, c.QueryFormat(t.Context(), &out, "no such", "SELECT 1"), ErrRejected)
		require.ErrorContains(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT throwIf(number = 100000) FROM numbers(200000)"), "code 395")
	})
}

func TestSelectAndParams(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *Client) {
		var rows []struct {
			S string `ch:"s"`
			N uint64 `ch:"n"`
		}
		const hostile = "a'b\\c\n\t`\"{}%ü"
		require.NoError(t, c.Select(t.Context(), &rows, "SELECT {s:String} AS s, number AS n FROM numbers({n:UInt64})", Param("s", hostile), Param("n", 2)))
		require.Len(t, rows, 2)
		require.Equal(t, hostile, rows[1].S)
		require.EqualValues(t, 1, rows[1].N)
		require.NoError(t, c.Exec(t.Context(), "CREATE TABLE {t:Identifier} (x UInt8) ENGINE = Memory", Param("t", "odd `name`")))
		err := c.Exec(t.Context(), "CREATE TABLE {t:Identifier} (x UInt8) ENGINE = Memory", Param("t", "odd `name`"))
		require.ErrorContains(t, err, "code 57, TABLE_ALREADY_EXISTS")
		require.ErrorIs(t, err, ErrRejected)
	})
}

func TestDSNWithoutDatabaseUsesTheUsersDefault(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := smallSchema
	s.Name = "t_" + db.Name
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		c := open(t, with(t, dsn, func(u *url.URL) { u.Path = "" }))
		require.Empty(t, c.Database())
		t.Cleanup(func() { require.NoError(t, c.Exec(context.Background(), "DROP TABLE IF EXISTS "+s.Name+" SYNC")) })
		ensure(t, c, s, ddl.Options{})
		require.NoError(t, c.Insert(t.Context(), Insert{Table: s.Name, Block: blockOf(t, compile(t, s), `{"n":1}`)}))
		var rows []struct {
			N uint32 `ch:"n"`
		}
		require.NoError(t, c.Select(t.Context(), &rows, "SELECT max(n) AS n FROM "+s.Name))
		require.EqualValues(t, 1, rows[0].N)
	}
}
