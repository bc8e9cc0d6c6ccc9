// Package sample writes made-up JSONL rows for the built-in schemas: for a first look, for demos and for benchmarks.
//
// The rows are deterministic. The same schema, row count and seed give the same bytes on every machine and on every
// day, and a row does not depend on how many rows follow it: a short file is the beginning of a long one.
//
// The rows are made to be worth a query. Conversations have several messages; models differ in latency, price and
// skill; days and hours are busy or quiet; a few tools fail far more often than the others. With one seed the schemas
// fit together: the messages and tool calls of a conversation carry its conversation_id, the counts of a conversation
// and of an eval run are the sums of their rows, and an eval case has the same text in every run.
//
// All names of models, tools and users are invented, and so are the figures: they say nothing about any product.
package sample
