package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/factload/factload/ddl"
)

// loadJSONEachRow streams the file to the server, which parses it.
func loadJSONEachRow(ctx context.Context, j job) error {
	return post(ctx, j, j.File, "JSONEachRow", url.Values{"date_time_input_format": {"best_effort"}})
}

// loadNative streams the rows as the server wants them: nobody parses
// anything.
func loadNative(ctx context.Context, j job) error { return post(ctx, j, j.Native, "Native", nil) }

// post streams a file into one INSERT over HTTP.
func post(ctx context.Context, j job, path, format string, settings url.Values) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	at, err := url.Parse(j.HTTPDSN)
	if err != nil {
		return err
	}
	if settings == nil {
		settings = url.Values{}
	}
	settings.Set("database", strings.TrimPrefix(at.Path, "/"))
	settings.Set("query", "INSERT INTO "+ddl.QuoteIdent(j.Table)+" FORMAT "+format)
	target := url.URL{Scheme: at.Scheme, Host: at.Host, Path: "/", RawQuery: settings.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), f)
	if err != nil {
		return err
	}
	password, _ := at.User.Password()
	req.SetBasicAuth(at.User.Username(), password)
	client := http.Client{Transport: &http.Transport{WriteBufferSize: 1 << 20, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("http status %d: %s", resp.StatusCode, text)
	}
	return nil
}
