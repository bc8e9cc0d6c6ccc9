package enginetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// DB is a database that belongs to one test.
type DB struct {
	Name    string
	DSN     string // clickhouse://user:password@host:port/name
	HTTPDSN string // http://user:password@host:port/name
}

// Database creates an empty database with a random name. It is dropped when the test ends. The test fails at once when
// there is no engine.
func Database(t testing.TB) *DB {
	t.Helper()
	e, err := use()
	if err != nil {
		t.Fatalf("enginetest: no engine: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	db := &DB{Name: name, DSN: withDatabase(t, e.dsn, name), HTTPDSN: withDatabase(t, e.httpDSN, name)}
	if _, err := ask(t.Context(), e.httpDSN, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("enginetest: create database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := ask(context.Background(), e.httpDSN, "DROP DATABASE IF EXISTS "+name+" SYNC"); err != nil {
			t.Errorf("enginetest: drop database: %v", err)
		}
	})
	return db
}

// Exec runs one statement in the database. The test fails at once if the engine refuses it.
func (db *DB) Exec(t testing.TB, sql string) {
	t.Helper()
	_ = db.Query(t, sql)
}

// Query runs one statement in the database and returns the answer, as tab-separated text unless the statement says
// otherwise, without the last newline. The test fails at once if the engine refuses the statement.
func (db *DB) Query(t testing.TB, sql string) string {
	t.Helper()
	answer, err := db.Try(t.Context(), sql)
	if err != nil {
		t.Fatalf("enginetest: %v\nstatement: %s", err, sql)
	}
	return answer
}

// Try is Query for statements that may be refused.
func (db *DB) Try(ctx context.Context, sql string) (string, error) {
	answer, err := ask(ctx, db.HTTPDSN, sql)
	return strings.TrimSuffix(answer, "\n"), err
}

func withDatabase(t testing.TB, dsn, name string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("enginetest: the engine's DSN is not a URL") // without the error, which holds the password
	}
	u.Path, u.RawPath = "/"+name, ""
	return u.String()
}

// ask runs one statement in the database that the DSN names, over HTTP.
func ask(ctx context.Context, dsn, sql string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("the engine's DSN is not a URL")
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/", RawQuery: url.Values{
		"database":          {strings.TrimPrefix(u.Path, "/")},
		"wait_end_of_query": {"1"}, // an error in the middle of an answer becomes a status
	}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(sql))
	if err != nil {
		return "", err
	}
	password, _ := u.User.Password()
	req.SetBasicAuth(u.User.Username(), password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // leaves no goroutine behind
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("http status %d: %s", resp.StatusCode, strings.TrimSpace(string(answer)))
	}
	return string(answer), nil
}
