// Package integration tests factload as a whole against a real ClickHouse: what
// a service records and what a file holds is asked back in SQL.
//
// The engine is the embedded one; FACTLOAD_TEST_ENGINE=docker takes a container
// and FACTLOAD_TEST_DSN any other server. Every test has a database of its own.
package integration

import (
	"testing"

	"github.com/factload/factload/internal/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }
