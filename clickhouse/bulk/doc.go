// Package bulk loads JSON lines into ClickHouse: fast, every value checked,
// and each row once.
//
//	client, err := clickhouse.Open(dsn)
//	...
//	sum, err := bulk.Load(ctx, bulk.Config{
//		Client:  client,
//		Targets: map[string]bulk.Target{"message": {Schema: schema}},
//		Schema:  "message",
//		Inputs:  []string{"messages.jsonl.gz"},
//		Rejects: "rejects.jsonl",
//	})
//
// # Input
//
// An input is a sequence of lines, each one JSON object: a bare row, a fact
// with the name of its schema, or an event of a raw log; see [Format]. It is
// UTF-8, plain or packed with gzip, zstd, bzip2 or xz, which is told from its
// first bytes and not from its name. A byte order mark at the beginning, \r\n
// line ends and blank lines are accepted, and so is a last line without a line
// end. A file that is no text, or packed in another way, is an error. An
// empty input has no rows, which is no error.
//
// The inputs are read one after the other. Reading and unpacking run beside
// decoding and inserting.
//
// # Rejected rows
//
// A row that breaks the rules of package block costs that row only. It goes to
// the rejects file, one JSON object on a line with the keys file, line, offset
// (of the line, in the decompressed input), schema, field, error, raw (the
// line itself, to be mended and loaded), reason and chunk. A line that is not
// valid UTF-8 is in raw_base64, and raw is empty; of a line over
// Config.MaxLineBytes the beginning is there, and raw_cut is true. The entries
// are in the order of the input, but for lines cut off at the end of an input,
// which come last and have the key path, the absolute path of the input,
// instead of chunk, or neither if that was standard input or a pipe.
//
// The rejects file is a regular file, and is added to. A load removes from it
// what it writes anew, and nothing else: entries of chunks that the ledger of
// its database knows as begun and not as done, cut lines at places that it has
// come to again, and entries of dry runs. These have the key check; a dry run
// replaces them by its own and leaves those of loads alone. A file that is
// something else is never touched.
//
// The rejects of a chunk that is under way wait in memory, and when they are
// many, in a temporary file without a name beside the rejects file.
//
// A table may have CHECK constraints, which only the server knows. If it
// refuses a block for one, it is asked which rows break any; these become
// rejects too, with reason server, and the others are inserted. Where it cannot
// tell, as with a constraint on a column that the schema does not have, they are
// searched for by halving, up to 1,000 in a chunk. So are rows for which a
// DEFAULT or MATERIALIZED expression of another column fails, if the table is a
// MergeTree without partitions; if it fails for all of 20 rows or more, the load
// stops. None of this is done for tables with materialized views: they could
// have failed after the rows were stored. Any other refusal stops the load.
//
// Constraints and expressions have to depend on the row alone. If they are
// changed, or depend on the time, between an interruption and the next run, the
// rows of chunks under way that the server has refused some rows of may be
// stored twice.
//
// The end of an input that has no line end and is no complete JSON value
// is a reject, but is not remembered as loaded: the line may be completed
// later.
//
// # What is guaranteed
//
// Loading is a sequence of chunks, runs of whole lines of one input. Where a
// chunk ends depends on the bytes of the input and on ChunkBytes and
// ChunkLines, and on nothing else. Each chunk has a token made of its own
// content and of all that comes before it in the input. A chunk is loaded in
// this order: the ledger, the table _factload_ledger in the same database, is
// told that the chunk begins; its rows are inserted, one insert for each
// table, with the token as the deduplication token of the insert; its rejects
// go to the rejects file and to the disk; the ledger is told that the chunk is
// done. Chunks are finished in the order of the input.
//
// So a load can be interrupted anywhere, by an error, or because this process
// or the server is killed, and the same load can be run again: chunks that are
// done are skipped without being decoded, a chunk that was begun is inserted
// again with the same token and the same rows, and the server ignores what it
// has. As a server that was killed may know a token and not have its rows, these
// are looked for then; see [clickhouse.Client.Insert]. In the end every row is in
// its table once or in the rejects file once, and the rejects file is as after a
// load without interruption.
//
// A load that goes on makes the same rows of a chunk that was begun only as long
// as the fields of the schemas and the options of decoding are the same. The
// ledger has a fingerprint of them. If they have changed and it is not known
// whether such a chunk is in its tables, the load stops with a
// [*RulesChangedError]; with AllowChanged it goes on, and rows of that chunk may
// be missing then, or be there as they were. A load that stops by itself, or
// because ctx has ended, notes in the ledger of which chunks it has sent nothing,
// so that these are in no doubt.
//
// What is remembered is content, not names. The same content in a renamed,
// moved or compressed file, or twice in one load, is loaded once, and
// [Summary] says from where it was loaded before. A file that has grown goes
// on behind what is loaded. A file that was changed elsewhere is an error,
// [*ChangedError]. A load with Force loads everything once more.
//
// # Where it ends
//
// The server remembers a limited number of tokens for each table:
// non_replicated_deduplication_window inserts for plain tables, which package
// ddl sets to 10,000, and replicated_deduplication_window inserts within
// replicated_deduplication_window_seconds for replicated ones. It matters for
// the few chunks that were under way at an interruption, and only for them: if
// other writers have made that many inserts into the table before the load is
// run again, those chunks are stored twice. In a table without a window, which
// is warned of, they may be stored twice at once.
//
// A forced load that was interrupted goes on when it is run again with the same
// inputs, however much later, and Summary has a warning that says so. It begins
// anew if its last run had another schema or other options, or if it is of bare
// rows and their table is empty. A forced load that is killed after its last
// entry in the ledger was written has ended. Run again, it loads once more;
// [Loads] tells. A forced load of inputs that another process is loading by
// force is taken for that load, run again.
//
// The search for rows that a killed server has lost is made by value. It misses
// them if most of the rows of a part have equals in the table, as all have in a
// forced load.
//
// Rows that were loaded and then removed from the table are not loaded again,
// since the ledger still has them: use Force. If the table is gone or empty,
// [Summary] has a warning. Dropping the ledger is no way to load again: the
// server still knows the tokens.
//
// The same lines in another order, or with a line inserted at the beginning,
// are other content. The same content loaded with other options, or after the
// schema has changed, is the same content: what was rejected then can be
// loaded from the rejects file. Bare rows loaded by two schemas are two
// loads.
//
// Two processes that load the same content at the same time with the same
// ChunkBytes and ChunkLines use the same tokens, so that rows are stored once.
// One rejects file is for one load at a time.
//
// Tokens are 128 bits of a fast hash. They guard against accident, not against
// somebody who makes two files collide on purpose.
//
// # What has been loaded
//
// [Loads] lists what the ledger knows: each load with its files, rows and
// state.
//
// # Memory
//
// A load takes about
//
//	40 MiB + Workers × ChunkBytes
//
// and not more when the input is larger, or when all of its rows are rejected.
// In the first part are 4 MiB for rejects that wait for their chunk; with more
// than 128 workers it is 32 KiB for each. The second part are the rows of the
// chunks under way, which are kept until the server has answered: as columns
// they usually take half to three quarters of their text. It counts twice over
// HTTP, and three times when rows are compressed over the native protocol; see
// [clickhouse.Client.BlockCopies]. Config.Memory sets Workers and ChunkBytes by
// this formula. A program that wants to stay near it tells Go so, by GOGC or
// GOMEMLIMIT, as the factload command does: a load makes little garbage, but
// Go by its default lets it pile up to as much again.
//
// The number of schemas in a load of envelopes does not matter: a worker keeps
// about as much memory for the blocks of all schemas as one chunk takes. For
// the chunk in which one schema follows another in large runs it may be twice
// as much.
//
// Arrays of short numbers, such as [1,2,3], can take several times their text.
// Long lines add to it: up to Workers + 2 of them may be held at once, or more
// with many workers, each with up to MaxLineBytes. Lines that are longer pass
// through and are not held. For tables with CHECK constraints, or with columns
// that the server computes from others, the lines are kept as long as the rows,
// which is ChunkBytes more for each worker; and a chunk with rows that the server
// refuses is there twice until it is inserted. What is loaded already is compared
// chunk by chunk, of which one is held as text: it takes the place of the rows of
// one worker, but is ChunkBytes more, which Config.Memory does not count, when
// other inputs were loaded before it in the same load. A load that goes on after
// one with larger chunks holds one of those.
// The windows of decompressors come on top, at most 128 MiB for zstd --long.
package bulk
