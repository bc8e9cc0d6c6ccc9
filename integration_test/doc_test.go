// Package integration tests factload as a whole against a real ClickHouse: what
// a service records and what a file holds is asked back in SQL.
//
// The engine is the embedded one; FACTLOAD_TEST_IMAGE names an image to
// start a container of, and FACTLOAD_TEST_DSN any other server. Every test has a database of its own.
package integration

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) {
	enginetest.RunChild(followerEnv, func(ctx context.Context, f follower) error { return f.serve(ctx) })
	image := os.Getenv(imageEnv)
	if image == "" {
		enginetest.Main(m)
	}
	stop, err := startContainer(image)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := enginetest.Run(m)
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
