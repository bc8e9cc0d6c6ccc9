package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/factload/factload/internal/enginetest"
)

// imageEnv names the image of a ClickHouse server to test with.
const imageEnv = "FACTLOAD_TEST_IMAGE"

const (
	containerUser     = "factload"
	containerDatabase = "factload"
	nativePort        = "9000/tcp"
	httpPort          = "8123/tcp"
	startTimeout      = 3 * time.Minute
)

// startContainer starts a container of the image and makes it the server that
// enginetest uses. Tests of other packages do not know of containers, so that who
// imports those packages does not download what starts them.
func startContainer(image string) (stop func() error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
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
	stop = func() error { return testcontainers.TerminateContainer(container) }
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a container of %s (%s names another image): %w", image, imageEnv, err), stop())
	}
	for _, at := range []struct{ env, scheme, port string }{
		{enginetest.DSNEnv, "clickhouse", nativePort}, {enginetest.HTTPDSNEnv, "http", httpPort},
	} {
		endpoint, err := container.PortEndpoint(ctx, at.port, "")
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		dsn := url.URL{Scheme: at.scheme, User: url.UserPassword(containerUser, password), Host: endpoint, Path: "/" + containerDatabase}
		if err := os.Setenv(at.env, dsn.String()); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}
