package insert

import (
	"context"
	"errors"
	"strings"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/factload/factload/clickhouse/chconn"
	"github.com/factload/factload/ddl"
)

// Inserts over the native protocol go through ch-go, the layer below the
// driver. It takes the columns of a block as they are, where the driver has
// columns of its own, and it leaves the statement alone, where the driver takes
// it apart with expressions that unusual names of tables and columns defeat.

// insertNative sends one block over the native protocol. The phase says
// whether rows may have reached the server when it fails.
func (ins *Inserter) insertNative(ctx context.Context, in Insert, may ready) (chconn.Phase, error) {
	for {
		conn, fresh, err := ins.client.NativeConn(ctx)
		if err != nil {
			return chconn.Unsent, err
		}
		if err := may(ctx); err != nil {
			ins.client.PutNative(conn)
			return chconn.Unsent, err
		}
		at, err := sendNative(ctx, conn, in)
		if err == nil {
			ins.client.PutNative(conn)
			return at, nil
		}
		conn.Close()
		// A connection that lay idle may have been cut by the other side. As
		// long as no row was sent, another one can be tried.
		if fresh || at != chconn.Unsent || chconn.ServerCode(err) != 0 || ctx.Err() != nil || errors.Is(err, chconn.ErrSchema) {
			return at, err
		}
	}
}

// sendNative sends one block and waits for the server's answer.
func sendNative(ctx context.Context, conn *chconn.NativeConn, in Insert) (chconn.Phase, error) {
	// ch-go looks at the context between packets only.
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	check := &headerCheck{close: conn.Close}
	input := in.Block.Input()
	checked := make(proto.Input, len(input))
	for i, column := range input {
		checked[i] = proto.InputColumn{Name: column.Name, Data: &checkedColumn{ColInput: column.Data, name: column.Name, check: check}}
	}
	err := conn.Client.Do(ctx, ch.Query{
		QueryID:  insertID(in.Table),
		Body:     nativeInsertSQL(in.Table, input),
		Input:    checked,
		Settings: chconn.NativeSettings(in.settings()),
	})
	at := chconn.Unsent
	if check.seen.Load() > 0 {
		at = chconn.RowsSentToViews // who knows better says so
	}
	if mismatch := check.mismatch.Load(); mismatch != nil {
		return chconn.Unsent, mismatch
	}
	return at, err
}

func nativeInsertSQL(table string, columns proto.Input) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = ddl.QuoteIdent(column.Name)
	}
	return "INSERT INTO " + ddl.QuoteIdent(table) + " (" + strings.Join(names, ", ") + ") FORMAT Native"
}
