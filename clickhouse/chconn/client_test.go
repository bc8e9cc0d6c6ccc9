package chconn_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/ddl"
	"github.com/factload/factload/internal/enginetest"
)

func TestPing(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		require.NoError(t, c.Ping(t.Context()))
		require.Equal(t, db.Name, c.Database())
		require.NotContains(t, c.String(), chtest.Password(t, db.DSN))
		require.Contains(t, c.String(), db.Name)
	})
}

// TestMistakes makes the mistakes that users make, on the real engine.
func TestMistakes(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	user := func(u *url.URL) string { return u.User.Username() }
	nobody := chtest.ClosedAddr(t)
	for _, tc := range []struct {
		name, dsn string
		change    func(u *url.URL)
		want      string // WHERE, USER and DB are replaced
		class     error
	}{
		{
			"native: wrong password", db.DSN, func(u *url.URL) { u.User = url.UserPassword(user(u), "wrong-S3CR3T") },
			`ping: WHERE refuses user "USER": unknown user or wrong password (code 516, AUTHENTICATION_FAILED): check user and password of the DSN, and that special characters are percent-encoded`, chconn.ErrRejected,
		},
		{
			"http: wrong password", db.HTTPDSN, func(u *url.URL) { u.User = url.UserPassword(user(u), "wrong-S3CR3T") },
			`ping: WHERE refuses user "USER": unknown user or wrong password (code 516, AUTHENTICATION_FAILED): check user and password of the DSN, and that special characters are percent-encoded`, chconn.ErrRejected,
		},
		{
			"native: unknown database", db.DSN, func(u *url.URL) { u.Path = "/no_such_db" },
			`ping: database "no_such_db" does not exist on WHERE (code 81, UNKNOWN_DATABASE): check the database of the DSN, or create it with CREATE DATABASE`, chconn.ErrSchema,
		},
		{
			"http: unknown database", db.HTTPDSN, func(u *url.URL) { u.Path = "/no_such_db" },
			`ping: database "no_such_db" does not exist on WHERE (code 81, UNKNOWN_DATABASE): check the database of the DSN, or create it with CREATE DATABASE`, chconn.ErrSchema,
		},
		{
			"native: server down", db.DSN, func(u *url.URL) { u.Host = nobody },
			`ping: connect to WHERE: connection refused: is the server running? "factload serve" starts one`, chconn.ErrRetryable,
		},
		{
			"http: server down", db.HTTPDSN, func(u *url.URL) { u.Host = nobody },
			`ping: connect to WHERE: connection refused: is the server running? "factload serve" starts one`, chconn.ErrRetryable,
		},
		{
			"native to http port", db.DSN, func(u *url.URL) { u.Host = chtest.Host(t, db.HTTPDSN) },
			`ping: connect to WHERE: the server answers in HTTP: the DSN means the native protocol (usually port 9000), but this is a port for HTTP: give the native port, or begin the DSN with http://`, chconn.ErrRejected,
		},
		{
			"http to native port", db.HTTPDSN, func(u *url.URL) { u.Host = chtest.Host(t, db.DSN) },
			`the DSN means HTTP (usually port 8123), but this is a port for the native protocol: give the HTTP port, or begin the DSN with clickhouse://`, chconn.ErrRejected,
		},
		{
			"native tls to plain port", db.DSN, func(u *url.URL) { u.RawQuery = "secure=true&dial_timeout=2s" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, chconn.ErrRejected,
		},
		{
			"https to plain port", db.HTTPDSN, func(u *url.URL) { u.Scheme = "https" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, chconn.ErrRejected,
		},
		{
			"https to native port", db.DSN, func(u *url.URL) { u.Scheme = "https"; u.RawQuery = "dial_timeout=2s" },
			`the port does not take TLS: leave secure=true (or https) out of the DSN, or give the TLS port`, chconn.ErrRejected,
		},
		{
			"unknown host", db.DSN, func(u *url.URL) { u.Host = "no-such-host.invalid:9000" },
			`no-such-host.invalid:9000`, chconn.ErrRetryable,
		},
		{
			"unknown setting", db.DSN, func(u *url.URL) { u.RawQuery = "no_such_setting=1" },
			`no_such_setting`, chconn.ErrRejected,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dsn := chtest.WithDSN(t, tc.dsn, tc.change)
			c := open(t, dsn)
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			want := strings.NewReplacer("WHERE", u.Host, "USER", user(u), "DB", db.Name).Replace(tc.want)

			errs := []error{
				c.Ping(t.Context()),
				c.Insert(t.Context(), insert.Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":1}`)}),
			}
			for i, err := range errs {
				if i == 1 {
					want = strings.Replace(want, "ping: ", `insert into "t": `, 1)
				}
				require.ErrorContains(t, err, want)
				require.ErrorIs(t, err, tc.class)
				for e := range chtest.Chain(err) {
					require.NotContains(t, e.Error(), "S3CR3T")
					require.NotContains(t, e.Error(), chtest.Password(t, db.DSN))
				}
			}
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	authority := chtest.NewAuthority(t)
	serverTLS := &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1", time.Hour).Certificate}, MinVersion: tls.VersionTLS12}
	clientTLS := &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dsn := chtest.NewProxy(t, dsn, serverTLS)
			s := chtest.SmallSchema
			s.Name = "tls_" + name

			c := open(t, dsn, chconn.WithTLS(clientTLS))
			require.NoError(t, c.Ping(t.Context()))
			ensure(t, c, s)
			require.NoError(t, c.Insert(t.Context(), insert.Insert{Table: s.Name, Block: chtest.BlockOf(t, chtest.Compile(t, s), `{"n":7}`)}))
			require.Equal(t, "7", db.Query(t, "SELECT n FROM "+s.Name))

			var out bytes.Buffer
			err := c.QueryFormat(t.Context(), &out, "CSV", "SELECT 1")
			if name == "native" {
				require.ErrorIs(t, err, chconn.ErrRejected)
				require.ErrorContains(t, err, "the server tells no https_port; only HTTP can format an answer: add http_port=PORT to the DSN")
			} else {
				require.NoError(t, err)
			}

			secure := chtest.WithDSN(t, dsn, func(u *url.URL) {
				u.RawQuery = "secure=true"
				u.Scheme = map[string]string{"native": "clickhouse", "http": "https"}[name]
			})
			err = open(t, secure).Ping(t.Context())
			require.ErrorIs(t, err, chconn.ErrRejected)
			require.ErrorContains(t, err, "give the authority's certificate with ca_cert=FILE in the DSN")

			skip := chtest.WithDSN(t, secure, func(u *url.URL) { u.RawQuery += "&skip_verify=true" })
			require.NoError(t, open(t, skip).Ping(t.Context()))

			err = open(t, dsn).Ping(t.Context())
			require.Error(t, err)
			if name == "native" {
				require.ErrorContains(t, err, "TLS")
			}
		})
	}
}

// TestQueryIDIsOfOneStatement: what the Client asks for itself on the way does not
// take the ID that a caller has given, or the server refuses the second as running.
func TestQueryIDIsOfOneStatement(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	target, err := url.Parse(db.HTTPDSN)
	require.NoError(t, err)
	var asked atomic.Int64
	id := rand.Text()
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.URL.Query().Get("query_id") == id {
			asked.Add(1)
		}
		r.Out.URL.Scheme, r.Out.URL.Host = "http", target.Host
	}})
	t.Cleanup(proxy.Close)
	c := open(t, chtest.WithDSN(t, db.HTTPDSN, func(u *url.URL) { u.Host = proxy.Listener.Addr().String() }))
	var answer strings.Builder
	require.NoError(t, c.QueryFormat(chgo.Context(t.Context(), chgo.WithQueryID(id)), &answer, "CSV", "SELECT 1"))
	require.Equal(t, "1\n", answer.String())
	require.EqualValues(t, 1, asked.Load())
}

func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	for name, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			down1, down2, silent := chtest.ClosedAddr(t), chtest.ClosedAddr(t), chtest.SilentAddr(t)
			hosts := func(list ...string) string {
				return strings.Replace(dsn, chtest.Host(t, dsn), strings.Join(list, ","), 1) + "?dial_timeout=2s"
			}
			s := chtest.SmallSchema
			s.Name = "hosts_" + name
			for i, list := range [][]string{{down1, chtest.Host(t, dsn)}, {silent, chtest.Host(t, dsn)}, {chtest.Host(t, dsn), down1}} {
				c := open(t, hosts(list...))
				require.NoError(t, c.Ping(t.Context()), list)
				ensure(t, c, s)
				b := chtest.Compile(t, s).NewBlock()
				require.NoError(t, b.AppendFact("", map[string]any{"n": i}))
				require.NoError(t, c.Insert(t.Context(), insert.Insert{Table: s.Name, Block: b}))
			}
			require.Equal(t, "3", db.Query(t, "SELECT count() FROM "+s.Name))

			err := open(t, hosts(down1, down2)).Ping(t.Context())
			require.EqualError(t, err, "ping: connect to "+down1+": connection refused; connect to "+down2+": connection refused: "+
				`is the server running? "factload serve" starts one`)
			require.ErrorIs(t, err, chconn.ErrRetryable)
		})
	}
}

func TestSilentServerIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"clickhouse", "http"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			addr := chtest.SilentAddr(t)
			insert := insert.Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":1}`)}

			c := open(t, scheme+"://u:p@"+addr+"/db?dial_timeout=300ms")
			for _, err := range []error{c.Ping(t.Context()), c.Insert(t.Context(), insert)} {
				require.ErrorIs(t, err, chconn.ErrRetryable)
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
				require.NotErrorIs(t, err, chconn.ErrRetryable)
			}
		})
	}
}

func TestCallsAfterClose(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		require.NoError(t, c.Ping(t.Context()))
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		_, err := c.Query(t.Context(), "SELECT 1") //nolint:gocritic // there are no rows to close
		_, inspectErr := c.Inspect(t.Context(), "t")
		var rows []struct{ N uint8 }
		for _, err := range []error{
			err, inspectErr, c.Ping(t.Context()), c.Exec(t.Context(), "SELECT 1"),
			c.Select(t.Context(), &rows, "SELECT 1 AS N"), c.QueryFormat(t.Context(), new(bytes.Buffer), "CSV", "SELECT 1"),
			c.Insert(t.Context(), insert.Insert{Table: "t", Block: chtest.BlockOf(t, chtest.Compile(t, chtest.SmallSchema), `{"n":1}`)}),
			c.Ensure(t.Context(), ddl.Table{Name: "t"}),
		} {
			require.ErrorIs(t, err, chconn.ErrClosed)
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
			p, dsn := chtest.NewProxy(t, dsn, nil)
			c := open(t, dsn)
			s := chtest.SmallSchema
			s.Name = "idle_" + name
			ensure(t, c, s)
			for i := range 10 {
				b := chtest.Compile(t, s).NewBlock()
				require.NoError(t, b.AppendFact("", map[string]any{"n": i}))
				in := insert.Insert{Table: s.Name, Block: b, Token: strconv.Itoa(i)}
				err := c.Insert(t.Context(), in)
				for errors.Is(err, chconn.ErrAmbiguous) { // written before the cut was seen, which only HTTP cannot tell
					require.Equal(t, "http", name)
					err = c.Insert(t.Context(), in)
				}
				require.NoError(t, err)
				require.NoError(t, c.Ping(t.Context()))
				p.CutAll()
			}
			require.Equal(t, "10", db.Query(t, "SELECT count() FROM "+s.Name))
		})
	}
}

func TestRowsCanBeLeftUnread(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
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
		require.ErrorIs(t, err, chconn.ErrRejected)
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
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		err := c.QueryFormat(t.Context(), &brokenWriter{left: 1000}, "CSV", "SELECT number FROM system.numbers")
		require.ErrorIs(t, err, errBrokenWriter)
		require.NotErrorIs(t, err, chconn.ErrRetryable)
		require.EqualError(t, err, "query: write the answer: the writer is broken")
		require.NoError(t, c.Ping(t.Context()))
	})
}

func TestQueryFormat(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, db *enginetest.DB, c *testClient) {
		db.Exec(t, "CREATE TABLE t (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
		db.Exec(t, "INSERT INTO t VALUES (1, 'a'), (2, 'b')")
		var out bytes.Buffer
		require.NoError(t, c.QueryFormat(t.Context(), &out, "JSONEachRow", "SELECT * FROM t ORDER BY n"))
		require.Equal(t, "{\"n\":1,\"s\":\"a\"}\n{\"n\":2,\"s\":\"b\"}\n", out.String())
		out.Reset()
		require.NoError(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT n FROM {tab:Identifier} WHERE s = {s:String}", chconn.Param("tab", "t"), chconn.Param("s", "b")))
		require.Equal(t, "2\n", out.String())

		require.ErrorContains(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT x FROM t"), "UNKNOWN_IDENTIFIER")
		require.ErrorIs(t, c.QueryFormat(t.Context(), &out, "no such", "SELECT 1"), chconn.ErrRejected)
		require.ErrorContains(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT throwIf(number = 100000) FROM numbers(200000)"), "code 395")
	})
}

// What keeps the server from telling its port is said, and not that it tells none.
func TestQueryFormatWithWrongPassword(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	c := open(t, chtest.WithDSN(t, db.DSN, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong-S3CR3T") }))
	err := c.QueryFormat(t.Context(), new(bytes.Buffer), "CSV", "SELECT 1")
	require.ErrorIs(t, err, chconn.ErrRejected)
	require.ErrorContains(t, err, "unknown user or wrong password")
	require.NotContains(t, err.Error(), "http_port")
}

// A native port that is not the server's own is mapped: the HTTP port that the server tells may be another server's.
func TestQueryFormatBehindMappedPorts(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	_, mapped := chtest.NewProxy(t, db.DSN, nil)
	c := open(t, mapped)
	var out bytes.Buffer
	err := c.QueryFormat(t.Context(), &out, "CSV", "SELECT 1")
	require.ErrorIs(t, err, chconn.ErrRejected)
	require.ErrorContains(t, err, "add http_port=PORT to the DSN")
	require.Empty(t, out.String())

	_, mappedHTTP := chtest.NewProxy(t, db.HTTPDSN, nil)
	at, err := url.Parse(mappedHTTP)
	require.NoError(t, err)
	c = open(t, mapped+"?http_port="+at.Port())
	require.NoError(t, c.QueryFormat(t.Context(), &out, "CSV", "SELECT currentDatabase()"))
	require.Equal(t, strconv.Quote(db.Name)+"\n", out.String())

	_, err = chconn.Open(db.DSN + "?http_port=http")
	require.ErrorContains(t, err, "http_port takes a number from 1 to 65535")
}

func TestSelectTextWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		text, err := c.SelectText(t.Context(), "ask", "SELECT 'a'")
		require.NoError(t, err)
		require.Equal(t, "a", text)
		_, err = c.SelectText(t.Context(), "ask", "SELECT 'a' WHERE 0")
		require.ErrorIs(t, err, chconn.ErrRetryable, "a server that ends has said nothing")
	})
}

func TestSelectAndParams(t *testing.T) {
	t.Parallel()
	bothProtocols(t, func(t *testing.T, _ *enginetest.DB, c *testClient) {
		var rows []struct {
			S string `ch:"s"`
			N uint64 `ch:"n"`
		}
		const hostile = "a'b\\c\n\t`\"{}%ü"
		require.NoError(t, c.Select(t.Context(), &rows, "SELECT {s:String} AS s, number AS n FROM numbers({n:UInt64})", chconn.Param("s", hostile), chconn.Param("n", 2)))
		require.Len(t, rows, 2)
		require.Equal(t, hostile, rows[1].S)
		require.EqualValues(t, 1, rows[1].N)

		texts := []string{"before"}
		require.NoError(t, c.Select(t.Context(), &texts, "SELECT {s:String} FROM numbers(2)", chconn.Param("s", hostile)))
		require.Equal(t, []string{hostile, hostile}, texts)
		require.NoError(t, c.Select(t.Context(), &texts, "SELECT '' FROM numbers(0)"))
		require.Empty(t, texts)
		var numbers [][]uint64
		require.NoError(t, c.Select(t.Context(), &numbers, "SELECT [number] FROM numbers(2)"))
		require.Equal(t, [][]uint64{{0}, {1}}, numbers)
		var times []time.Time
		require.NoError(t, c.Select(t.Context(), &times, "SELECT toDateTime(7, 'UTC')"))
		require.EqualValues(t, 7, times[0].Unix())
		require.ErrorContains(t, c.Select(t.Context(), &texts, "SELECT 'a', 'b'"), "expected 2 destination arguments")
		require.ErrorContains(t, c.Select(t.Context(), texts, "SELECT 'a'"), "must pass a pointer")

		require.NoError(t, c.Exec(t.Context(), "CREATE TABLE {t:Identifier} (x UInt8) ENGINE = Memory", chconn.Param("t", "odd `name`")))
		err := c.Exec(t.Context(), "CREATE TABLE {t:Identifier} (x UInt8) ENGINE = Memory", chconn.Param("t", "odd `name`"))
		require.ErrorContains(t, err, "code 57, TABLE_ALREADY_EXISTS")
		require.ErrorIs(t, err, chconn.ErrRejected)
	})
}

func TestDSNWithoutDatabaseUsesTheUsersDefault(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	s := chtest.SmallSchema
	s.Name = "t_" + db.Name
	for _, dsn := range []string{db.DSN, db.HTTPDSN} {
		c := open(t, chtest.WithDSN(t, dsn, func(u *url.URL) { u.Path = "" }))
		require.Empty(t, c.Database())
		t.Cleanup(func() { require.NoError(t, c.Exec(context.Background(), "DROP TABLE IF EXISTS "+s.Name+" SYNC")) })
		ensure(t, c, s)
		require.NoError(t, c.Insert(t.Context(), insert.Insert{Table: s.Name, Block: chtest.BlockOf(t, chtest.Compile(t, s), `{"n":1}`)}))
		var rows []struct {
			N uint32 `ch:"n"`
		}
		require.NoError(t, c.Select(t.Context(), &rows, "SELECT max(n) AS n FROM "+s.Name))
		require.EqualValues(t, 1, rows[0].N)
	}
}
