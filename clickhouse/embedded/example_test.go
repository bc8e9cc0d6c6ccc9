package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/factload/factload/clickhouse/embedded"
)

// Any ClickHouse client can use the engine, by DSN or HTTPDSN. This one is plain HTTP.
func Example() {
	if err := run(); err != nil {
		fmt.Println(err)
	}
	// Output: 42
}

func run() (err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server, err := embedded.Start(ctx, embedded.Config{DataDir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(ctx)) }()

	u, err := url.Parse(server.HTTPDSN())
	if err != nil {
		return err
	}
	u.RawQuery = "database=" + url.QueryEscape(strings.TrimPrefix(u.Path, "/"))
	u.Path = "/"
	resp, err := http.Post(u.String(), "text/plain", strings.NewReader("SELECT 6 * 7"))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	fmt.Print(string(answer))
	return nil
}
