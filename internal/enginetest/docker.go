package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// DefaultImage is the image of the docker engine, if ImageEnv names no other.
const DefaultImage = "clickhouse/clickhouse-server:26.8.20.9"

const (
	containerUser     = "factload"
	containerDatabase = "factload"
	nativePort        = "9000/tcp"
	httpPort          = "8123/tcp"
)

// startDocker starts a container.
func startDocker(ctx context.Context) (*engine, error) {
	image := os.Getenv(ImageEnv)
	if image == "" {
		image = DefaultImage
	}
	password := rand.Text()
	container, err := testcontainers.Run(ctx, image,
		testcontainers.WithEnv(map[string]string{
			"CLICKHOUSE_USER":     containerUser,
			"CLICKHOUSE_PASSWORD": password,
			"CLICKHOUSE_DB":       containerDatabase,
			// Lets the official image's user manage access, as the embedded engine's user may.
			"CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
		}),
		testcontainers.WithExposedPorts(nativePort, httpPort),
		// /ping answers a little before the user and the database are there.
		testcontainers.WithWaitStrategyAndDeadline(startTimeout,
			wait.ForHTTP("/?query=SELECT+1&database="+containerDatabase).WithPort(httpPort).WithBasicAuth(containerUser, password),
			wait.ForListeningPort(nativePort)),
	)
	if err != nil {
		err = fmt.Errorf("start a container of %s (%s names another image): %w", image, ImageEnv, err)
		return nil, errors.Join(err, testcontainers.TerminateContainer(container))
	}
	stop := func() error { return testcontainers.TerminateContainer(container) }
	e := &engine{stop: stop}
	for _, at := range []struct {
		dsn          *string
		scheme, port string
	}{{&e.dsn, "clickhouse", nativePort}, {&e.httpDSN, "http", httpPort}} {
		endpoint, err := container.PortEndpoint(ctx, at.port, "")
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		u := url.URL{Scheme: at.scheme, User: url.UserPassword(containerUser, password), Host: endpoint, Path: "/" + containerDatabase}
		*at.dsn = u.String()
	}
	return e, nil
}
