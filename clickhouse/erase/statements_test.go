package erase_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"github.com/factload/factload/clickhouse"
	"github.com/factload/factload/clickhouse/embedded"
	"github.com/factload/factload/clickhouse/erase"
	"github.com/factload/factload/fact/sqlitestore"
	"github.com/factload/factload/internal/enginetest"
)

// TestEraseWhatOthersHaveSaid: a subject that others have named in statements, which
// failed or changed rows, is in no file of the engine afterwards.
func TestEraseWhatOthersHaveSaid(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	server := enginetest.Start(t, embedded.Config{DataDir: data})
	c := everybody(t, server, 300, 3)
	analyst, err := clickhouse.Open(c.DSN)
	require.NoError(t, err)
	defer analyst.Close()
	named := "'" + strings.ReplaceAll(subject, "'", `\'`) + "'"
	for _, sql := range []string{
		"SELECT nothing FROM said WHERE user = " + named,
		"SELECT FROM WHERE " + named,
		"SELECT toUInt32(" + named + ")",
		"INSERT INTO said (n) VALUES (" + named + ")",
	} {
		require.Error(t, analyst.Exec(t.Context(), sql))
	}
	require.Empty(t, filesWith(t, filepath.Join(data, "log")), "statements are not logged")
	require.NoError(t, analyst.Exec(t.Context(), "ALTER TABLE said UPDATE text = 'that was I' WHERE user = "+named+" SETTINGS mutations_sync = 1"))
	require.Error(t, analyst.Exec(t.Context(), "ALTER TABLE said UPDATE text = toString(toUInt32(user)) WHERE user = "+named+" SETTINGS mutations_sync = 1"))
	require.NoError(t, analyst.Exec(t.Context(), "KILL MUTATION WHERE table = 'said' AND NOT is_done SYNC"))
	logs, err := embedded.LogFiles(data)
	require.NoError(t, err)
	require.NotEmpty(t, filesWith(t, logs...), "what fails in the background is")

	report, err := c.erase(t.Context(), logs...)
	require.NoError(t, err)
	require.Zero(t, report.Left(), "%+v", report)
	require.ElementsMatch(t, logs, report.Emptied)
	require.Empty(t, filesWith(t, data, filepath.Dir(c.Store)))
}

// TestEraseTellsServersNothing: what servers log of the statements has neither values nor
// IDs in it, whatever it logs.
func TestEraseTellsServersNothing(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t, embedded.Config{})
	c := everybody(t, server, 300, 3)
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: c.Store})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close(context.Background())) }()
	client, err := clickhouse.Open(c.DSN)
	require.NoError(t, err)
	defer client.Close()
	var mu sync.Mutex
	var logged strings.Builder
	ctx := chgo.Context(t.Context(), chgo.WithSettings(chgo.Settings{"send_logs_level": "trace"}), chgo.WithLogs(func(l *chgo.Log) {
		mu.Lock()
		defer mu.Unlock()
		logged.WriteString(l.Text + "\n")
	}))
	for _, config := range []erase.Config{{Field: "user", Value: subject}, {IDs: []string{"id-1"}}} {
		config.Client, config.Schema, config.Log = client, saidSchema, store
		for _, config.DryRun = range []bool{true, false} {
			_, err := erase.Run(ctx, config)
			require.NoError(t, err)
		}
	}
	for _, config := range []erase.Config{{Field: "user", Value: "user-5"}, {IDs: []string{"id-2"}}} {
		http, err := clickhouse.Open(server.HTTPDSN())
		require.NoError(t, err)
		config.Client, config.Schema, config.Log = http, saidSchema, store
		for _, config.DryRun = range []bool{true, false} {
			report, err := erase.Run(t.Context(), config)
			require.NoError(t, err)
			require.Equal(t, config.DryRun, report.Left() > 0, "%+v", report)
		}
		require.NoError(t, http.Close())
	}
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, logged.String(), "DELETE WHERE 0 OR")
	require.Contains(t, logged.String(), "INSERT INTO `factload_erase_said`")
	require.NotContains(t, logged.String(), "zebra")
	require.NotContains(t, logged.String(), "id-1")
}
