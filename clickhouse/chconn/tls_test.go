package chconn_test

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/clickhouse/insert"
	"github.com/factload/factload/clickhouse/internal/chtest"
	"github.com/factload/factload/internal/enginetest"
)

// secured returns the DSN, with TLS and the given pairs of names and values as
// further parameters.
func secured(t *testing.T, dsn string, params ...string) string {
	return chtest.WithDSN(t, dsn, func(u *url.URL) {
		query := u.Query()
		query.Set("secure", "true")
		for i := 0; i < len(params); i += 2 {
			query.Set(params[i], params[i+1])
		}
		u.RawQuery = query.Encode()
	})
}

func TestCertificatesByDSN(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	authority, stranger := chtest.NewAuthority(t), chtest.NewAuthority(t)
	client := authority.Issue(t, "somebody", time.Hour)
	known := []string{"ca_cert", authority.File}
	shown := append([]string{"client_cert", client.File, "client_cert_key", client.KeyFile}, known...)

	listening := func(c chtest.Certificate) *tls.Config {
		return &tls.Config{
			Certificates: []tls.Certificate{c.Certificate}, MinVersion: tls.VersionTLS12,
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool(),
		}
	}
	good := listening(authority.Issue(t, "127.0.0.1", time.Hour))
	cases := map[string]struct {
		server *tls.Config
		params []string
		want   string // nothing: it works
	}{
		"right":           {good, shown, ""},
		"name given":      {listening(authority.Issue(t, "ch.example", time.Hour)), append([]string{"server_host_name", "ch.example"}, shown...), ""},
		"wrong name":      {listening(authority.Issue(t, "ch.example", time.Hour)), shown, "give that with server_host_name=NAME in the DSN"},
		"wrong authority": {good, append(shown[:4:4], "ca_cert", stranger.File), "give the authority's certificate with ca_cert=FILE in the DSN"},
		"no authority":    {good, shown[:4], "give the authority's certificate with ca_cert=FILE in the DSN"},
		"expired":         {listening(authority.Issue(t, "127.0.0.1", -time.Hour)), shown, "the server's certificate has to be renewed"},
		"no certificate":  {good, known, "give a certificate that it knows with client_cert=FILE and client_cert_key=FILE in the DSN"},
	}
	for protocol, dsn := range map[string]string{"native": db.DSN, "http": db.HTTPDSN} {
		for name, tc := range cases {
			t.Run(protocol+" "+name, func(t *testing.T) {
				t.Parallel()
				_, dsn := chtest.NewProxy(t, dsn, tc.server)
				c := open(t, secured(t, dsn, tc.params...))
				err := c.Ping(t.Context())
				if tc.want != "" {
					require.ErrorIs(t, err, chconn.ErrRejected)
					require.ErrorContains(t, err, tc.want)
					return
				}
				require.NoError(t, err)
				s := chtest.SmallSchema
				s.Name = "tls_" + protocol + "_" + name[:1]
				ensure(t, c, s)
				require.NoError(t, c.Insert(t.Context(), insert.Insert{Table: s.Name, Block: chtest.BlockOf(t, chtest.Compile(t, s), `{"n":7}`)}))
				require.Equal(t, "7", db.Query(t, "SELECT n FROM "+s.Name))
			})
		}
	}
}

// TestRenewedCertificate writes a certificate anew while a Client uses it.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	authority := chtest.NewAuthority(t)
	server := &tls.Config{
		Certificates: []tls.Certificate{authority.Issue(t, "127.0.0.1", time.Hour).Certificate}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Pool(),
	}
	old, renewed := authority.Issue(t, "somebody", -time.Hour), authority.Issue(t, "somebody", time.Hour)
	_, dsn := chtest.NewProxy(t, db.DSN, server)
	c := open(t, secured(t, dsn, "ca_cert", authority.File, "client_cert", old.File, "client_cert_key", old.KeyFile))
	require.ErrorIs(t, c.Ping(t.Context()), chconn.ErrRejected)
	require.NoError(t, os.Rename(renewed.KeyFile, old.KeyFile))
	require.NoError(t, os.Rename(renewed.File, old.File))
	require.NoError(t, c.Ping(t.Context()))
}

func TestCertificateParametersThatCannotBe(t *testing.T) {
	t.Parallel()
	authority := chtest.NewAuthority(t)
	cert := authority.Issue(t, "somebody", time.Hour)
	none := filepath.Join(t.TempDir(), "none.pem")
	for query, want := range map[string]string{
		"ca_cert=" + none:                        "dsn: parameter ca_cert: open " + none + ": no such file",
		"ca_cert=" + cert.KeyFile:                "holds no certificate in PEM",
		"client_cert=" + cert.File:               "parameters client_cert and client_cert_key: tls: ",
		"client_cert_key=" + cert.KeyFile:        "parameter client_cert_key needs client_cert beside it",
		"secure=false&ca_cert=" + authority.File: "parameter secure=false contradicts those about certificates",
		"secure=perhaps&server_host_name=a":      "parameter secure takes true or false",
	} {
		_, err := chconn.Open("clickhouse://u:S3CR3T@h/db?" + query)
		require.ErrorContains(t, err, want, query)
		require.NotContains(t, err.Error(), "S3CR3T")
	}
	_, err := chconn.Open("clickhouse://h/db?ca_cert="+authority.File, chconn.WithTLS(&tls.Config{MinVersion: tls.VersionTLS12}))
	require.ErrorContains(t, err, "by parameters or by WithTLS, not by both")
}
