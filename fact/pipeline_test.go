package fact_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/factload/factload/fact"
	"github.com/factload/factload/fact/internal/storetest"
)

func TestEnsureSchemas(t *testing.T) {
	t.Parallel()
	rows := new(tables)
	p := fact.NewPipeline(fact.WithMaterializer(rows))
	require.NoError(t, p.EnsureSchemas(t.Context(), fact.Schema{Name: "a"}, fact.Schema{Name: "b"}))
	require.NoError(t, p.EnsureSchemas(t.Context()))
	require.Equal(t, []string{"a", "b"}, rows.ensured.All())
}

func TestEnsureSchemasBeforeTheMaterializerIsReady(t *testing.T) {
	t.Parallel()
	rows := new(tables)
	p := fact.NewPipeline(fact.WithMaterializer(rows))
	withID := func(name, field string) fact.Schema {
		return fact.Schema{Name: name, Fields: []fact.Field{{Name: field, FactID: true}}}
	}
	require.NoError(t, p.EnsureSchemas(t.Context(), withID("a", "id")))
	rows.err = storetest.ErrTest
	for _, field := range []string{"wrong", "id"} {
		err := p.EnsureSchemas(t.Context(), withID("a", "other"), withID("b", field))
		require.EqualError(t, err, "ensure schemas: the test's error")
	}
	rows.err = nil
	for _, name := range []string{"a", "b"} {
		require.NoError(t, p.Record(t.Context(), fact.Fact{Schema: name, Data: map[string]any{"id": "2"}}))
		err := p.Record(t.Context(), fact.Fact{Schema: name, ID: "1", Data: map[string]any{"id": "2"}})
		require.ErrorContains(t, err, "carries the fact's ID but is", name)
	}
}

func TestPipelineClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := storetest.NewBlocking()
		rows, release := new(preparing), make(chan struct{})
		rows.order = func(step string) {
			if step == "materialize" {
				<-release
			}
		}
		p := fact.NewPipeline(fact.WithMaterializer(rows), fact.WithPipelinePublisher(slow))
		recorded, closed := make(chan error, 1), make(chan error, 1)
		go func() { recorded <- p.Record(context.Background(), message("m1", "hi")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "wait for record")
		require.ErrorIs(t, p.Record(t.Context(), message("m2", "hi")), fact.ErrClosed)
		require.NoError(t, p.Record(t.Context()), "nothing is nothing")
		go func() { closed <- p.Close(context.Background()) }()
		close(release)
		require.NoError(t, <-recorded)
		synctest.Wait()
		close(slow.Release)
		require.NoError(t, <-closed)
		require.Len(t, slow.All(), 1, "what was running is published")
		require.NoError(t, p.Close(t.Context()), "again")
	})
}

func TestPipelinePublishQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := storetest.NewBlocking()
		var reported storetest.Recording[error]
		p := fact.NewPipeline(fact.WithPipelinePublisher(slow), fact.WithPipelinePublishQueue(1),
			fact.WithPipelinePublishErrorHandler(func(err error) { reported.Add(err) }))
		for _, id := range []string{"m1", "m2", "m3"} {
			require.NoError(t, p.Record(t.Context(), message(id, "hi")))
			synctest.Wait()
		}
		close(slow.Release)
		require.NoError(t, p.Flush(t.Context()))
		require.Len(t, slow.All(), 2)
		require.Len(t, reported.All(), 1)
		require.ErrorIs(t, reported.All()[0], fact.ErrQueueFull)
		require.ErrorContains(t, reported.All()[0], `publish 1 event, id m3 of stream "message"`)
		require.True(t, errors.Is(reported.All()[0], fact.ErrQueueFull))
	})
}

func TestPipelinePublishesAfterTheCallersContext(t *testing.T) {
	t.Parallel()
	slow := storetest.NewBlocking()
	p := fact.NewPipeline(fact.WithPipelinePublisher(slow))
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, p.Record(ctx, message("m1", "hi")))
	cancel()
	close(slow.Release)
	require.NoError(t, p.Close(t.Context()))
	require.Len(t, slow.All(), 1)
}
