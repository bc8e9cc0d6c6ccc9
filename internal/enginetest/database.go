package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
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
	db, drop, err := Create(t.Context())
	if err != nil {
		t.Fatalf("enginetest: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Errorf("enginetest: %v", err)
		}
	})
	return db
}

// Example is Database for examples, which have to call drop. It panics when there is no engine.
func Example() (db *DB, drop func()) {
	db, dropDB, err := Create(context.Background())
	if err != nil {
		panic("enginetest: " + err.Error())
	}
	return db, func() {
		if err := dropDB(); err != nil {
			panic("enginetest: " + err.Error())
		}
	}
}

// Create is Database for callers that say themselves what becomes of a missing engine. Drop has to be called.
func Create(ctx context.Context) (db *DB, drop func() error, err error) {
	e, err := use()
	if err != nil {
		return nil, nil, fmt.Errorf("no engine: %w", err)
	}
	if db, err = e.createDatabase(ctx); err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return db, func() error {
		if _, err := ask(context.Background(), e.httpDSN, "DROP DATABASE IF EXISTS "+db.Name+" SYNC"); err != nil {
			return errors.Join(fmt.Errorf("drop database: %w", err), release())
		}
		return release()
	}, nil
}

func (e *engine) createDatabase(ctx context.Context) (db *DB, err error) {
	db = &DB{Name: "test_" + strings.ToLower(rand.Text())}
	if db.DSN, err = withDatabase(e.dsn, db.Name); err != nil {
		return nil, err
	}
	if db.HTTPDSN, err = withDatabase(e.httpDSN, db.Name); err != nil {
		return nil, err
	}
	if _, err := ask(ctx, e.httpDSN, "CREATE DATABASE "+db.Name); err != nil {
		return nil, fmt.Errorf("create database: %w", err)
	}
	return db, nil
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

func withDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the engine's DSN is not a URL") // without the error, which holds the password
	}
	u.Path, u.RawPath = "/"+name, ""
	return u.String(), nil
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
