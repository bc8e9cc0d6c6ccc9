// Package bulk loads files of rows into ClickHouse: fast, every value checked, and each
// row once.
//
//	client, err := chconn.Open(dsn)
//	...
//	sum, err := bulk.Load(ctx, bulk.Config{
//		Client:  client,
//		Targets: map[string]bulk.Target{"message": {Schema: schema}},
//		Schema:  "message",
//		Inputs:  []string{"messages.jsonl.gz"},
//		Rejects: "rejects.jsonl",
//	})
//
// An input is a sequence of lines, each one JSON object: a bare row, an envelope (an
// object that names the schema of the row in it), or an event of a raw log (the log that
// a fact.EventStore keeps); see [Format]. Rows in another form, in arrays, CSV or Parquet,
// become such lines as they are read. Compression and form are told by content.
//
// # What happens
//
//	input → lines → chunks → rows, checked → blocks → inserts
//	                  │                                  │
//	                  └────── ledger: begun, done ───────┘
//
// A chunk is a run of whole lines of one input, and the unit of inserting. Where it ends
// depends on the bytes of the input and on ChunkBytes, and on nothing else. Its token is
// made of its content and of all that comes before it in the input. The ledger, the table
// _factload_ledger in the same database, is told that the chunk begins; its rows are
// inserted with the token as deduplication token; its rejects go to the rejects file and
// to the disk; the ledger is told that the chunk is done. Chunks are finished in the order
// of the input.
//
// So a load can be interrupted anywhere, by an error, or because this process or the
// server is killed, and the same load can be run again: chunks that are done are skipped
// without being decoded, and a chunk that was begun is inserted again with the same token
// and the same rows, of which the server ignores what it has. In the end every row is in
// its table once or in the rejects file once. What is remembered is content, not names:
// the same content in a renamed, moved or compressed file is loaded once.
//
// A row that breaks the rules of package block, or a CHECK constraint of its table, costs
// that row only: it is rejected, see Config.Rejects and [Summary].
//
// # The manual
//
// How long the promise holds, where it ends, the rejects file, memory, and files that are
// not as they should be: see docs/loading.md in the repository.
package bulk
