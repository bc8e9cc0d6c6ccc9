package embedded

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestConfigDefaults(t *testing.T) {
	t.Parallel()
	a, err := Config{DataDir: "x"}.resolve()
	require.NoError(t, err)
	wd, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(wd, "x"), a.DataDir)
	require.Equal(t, "factload", a.User)
	require.Equal(t, "factload", a.Database)
	require.Equal(t, "127.0.0.1:0", a.Native)
	require.Equal(t, "127.0.0.1:0", a.HTTP)
	require.Equal(t, DefaultStartTimeout, a.StartTimeout)
	require.NotNil(t, a.Logger)

	b, err := Config{DataDir: "x"}.resolve()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(a.Password), 32)
	require.NotEqual(t, a.Password, b.Password)
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"no directory", Config{}, "data directory is empty"},
		{"zero byte", Config{DataDir: "a\x00b"}, "zero byte"},
		{"user with a space", Config{DataDir: "x", User: "a b"}, `user "a b": use letters`},
		{"user of XML", Config{DataDir: "x", User: "a><b"}, "use letters"},
		{"engine's user", Config{DataDir: "x", User: "default"}, "choose another name"},
		{"engine's database", Config{DataDir: "x", Database: "System"}, "choose another name"},
		{"negative timeout", Config{DataDir: "x", StartTimeout: -1}, "negative"},
		{"no port", Config{DataDir: "x", Native: "127.0.0.1"}, "want HOST:PORT"},
		{"port too large", Config{DataDir: "x", Native: "127.0.0.1:65536"}, "not a number from 0 to 65535"},
		{"host name", Config{DataDir: "x", HTTP: "example.org:0"}, "not an IP address or localhost"},
		{"no host", Config{DataDir: "x", HTTP: ":8123"}, "not an IP address or localhost"},
		{"two hosts", Config{DataDir: "x", HTTP: "0.0.0.0:0"}, "different hosts"},
		{"one port", Config{DataDir: "x", HTTP: "127.0.0.1:9", Native: "127.0.0.1:9"}, "both 127.0.0.1:9"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := test.cfg.resolve()
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestAddr(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, out, dial string }{
		{"127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:9000"},
		{"localhost:0", "127.0.0.1:0", "127.0.0.1:0"},
		{"0.0.0.0:1", "0.0.0.0:1", "127.0.0.1:1"},
		{"[::]:1", "[::]:1", "[::1]:1"},
		{"[::1]:1", "[::1]:1", "[::1]:1"},
	}
	for _, test := range tests {
		a, err := parseAddr("native", test.in)
		require.NoError(t, err)
		require.Equal(t, test.out, a.String())
		require.Equal(t, test.dial, a.dial().String())
	}
}
