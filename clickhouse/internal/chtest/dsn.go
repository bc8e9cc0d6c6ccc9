package chtest

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// WithDSN returns the DSN with some of its parts replaced.
func WithDSN(t testing.TB, dsn string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	change(u)
	return u.String()
}

// Host returns the host and port of a DSN.
func Host(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	return u.Host
}

// Password returns the password of a DSN.
func Password(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	p, _ := u.User.Password()
	return p
}
