package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/cmd/factload/internal/cli"
	"github.com/factload/factload/internal/enginetest"
	"github.com/factload/factload/internal/soak"
)

// secret is a password in two halves, with something between them that may be taken for
// the end of it.
type secret struct{ text, head, tail string }

func newSecret(random *rand.Rand) secret {
	word := func() string {
		return fmt.Sprintf("S%013x", random.Uint64()>>12)
	}
	const special = `@:/?#%&=+,;'"\ <>[]{}|^~` + "`$!*()é世\t"
	between := []rune(special)
	s := secret{head: word(), tail: word()}
	s.text = s.head
	for range 1 + random.IntN(4) {
		s.text += string(between[random.IntN(len(between))])
	}
	s.text += s.tail
	return s
}

// dsnForms are ways to write a DSN with a password, right ones and wrong ones.
func dsnForms(host string, s secret) []string {
	escaped := url.UserPassword("u", s.text).String()
	return []string{
		"clickhouse://" + escaped + "@" + host + "/db",
		"http://" + escaped + "@" + host + "/db?compress=gzip",
		"tcp://u:" + url.QueryEscape(s.text) + "@" + host + "," + host + "/db?dial_timeout=1s",
		"clickhouse://u:" + s.text + "@" + host + "/db", // as many would write it
		"clickhouse://" + host + "/db?username=u&password=" + url.QueryEscape(s.text),
		"http://" + host + "/db?password=" + s.text,
		"http://u:p@" + host + "/db?http_proxy=" + url.QueryEscape("http://u:"+url.QueryEscape(s.text)+"@127.0.0.1:1"),
		"http://u:p@" + host + "/db?http_proxy=http://u:" + s.text + "@127.0.0.1:1",
		"postgres://" + escaped + "@" + host + "/db",
		"clikhouse://u:" + s.text + "@" + host + "/db",
		"embedded://u:" + s.text + "@" + host,
		"u:" + s.text + "@" + host,
		"u:" + s.text,
		"https://" + escaped + "@" + host + "/db?secure=maybe",
		"clickhouse://" + escaped + "@" + host + "/db?ca_cert=none.pem",
		"clickhouse://" + escaped + "@/db",
		"clickhouse://" + escaped + "@" + host + ":x/db",
	}
}

func hostOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	return u.Host
}

// TestNoSecretIsPrinted gives commands DSNs with random passwords, by flags and files, to
// servers that are not there and to one that does not know the user. Nothing that is
// written, and no form in which a program prints a client or an error, has any half of
// the password in it.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	db := enginetest.Database(t)
	random := rand.New(rand.NewPCG(soak.Seed(t), 0))
	dir := t.TempDir()
	rows := filepath.Join(dir, "rows.jsonl")
	require.NoError(t, os.WriteFile(rows, []byte("{}\n"), 0o600))
	commands := [][]string{
		{"query", "SELECT 1"},
		{"status", "--json"},
		{"loads", "--json"},
		{"doctor", "--json"},
		{"plan", "--json", "message"},
		{"load", "--json", "--schema", "message", rows},
		{"verify", "message"},
		{"backup", "b"},
		{"move", "--to", "clickhouse://127.0.0.1:1/x", "--json"},
		{"ddl", "message"},
	}
	for range soak.Trials(t, 250, 1000) {
		s := newSecret(random)
		hosts := []string{"127.0.0.1:1", hostOf(t, db.DSN), hostOf(t, db.HTTPDSN)}
		forms := dsnForms(hosts[random.IntN(len(hosts))], s)
		dsn := forms[random.IntN(len(forms))]
		args := append([]string{"--log-level", "debug", "--log-format", []string{"text", "json"}[random.IntN(2)]}, commands[random.IntN(len(commands))]...)
		switch random.IntN(3) {
		case 0:
			args = append(args, "--dsn", dsn)
		case 1:
			file := filepath.Join(dir, "dsn")
			require.NoError(t, os.WriteFile(file, []byte(dsn+"\n"+dsn+"\n"), 0o600))
			args = append(args, "--dsn-file", file)
		case 2:
			file := filepath.Join(dir, "config.yaml")
			require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "dsn: '%s'\n", strings.ReplaceAll(dsn, "'", "''")), 0o600))
			args = append(args, "--config", file)
		}
		var out, stderr bytes.Buffer
		run(t.Context(), args, cli.NewApp(strings.NewReader(""), &out, &stderr, "test"))
		client, err := clickhouse.Open(dsn)
		said := out.String() + stderr.String() + clickhouse.RedactDSN(dsn)
		if err == nil {
			err = client.Ping(t.Context())
			said += fmt.Sprintf("%v %+v %s %q", client, client, client, client)
			require.NoError(t, client.Close())
		}
		for err != nil {
			said += fmt.Sprintf("%v %+v %#v", err, err, err)
			err = errors.Unwrap(err)
		}
		require.NotContains(t, said, s.head, "%v", args)
		require.NotContains(t, said, s.tail, "%v", args)
	}
}
