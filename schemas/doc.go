// Package schemas reads schemas of facts from YAML, and brings those of the two usual kinds of service: chat (message,
// conversation, tool_call) and eval (eval_run, eval_result, eval_bfcl), for the prices of models (model_price),
// and for the events of a log themselves (event).
//
// A document describes one schema:
//
//	name: message
//	description: One chat message.
//	order_by: [conversation_id, created_at]
//	fields:
//	  - {name: id, type: string, fact_id: true}
//	  - {name: conversation_id, type: string}
//	  - {name: role, type: low_cardinality_string}
//	  - {name: prompt_tokens, type: uint32, default: 0}
//	  - {name: score, type: float64, nullable: true}
//	  - {name: tags, type: string, array: true}
//	  - {name: price, type: decimal, precision: 18, scale: 6}
//	  - {name: state, type: enum, values: [open, closed], default: open}
//	  - {name: payload, type: json, comment: Anything else}
//	  - {name: created_at, type: datetime64}
//	clickhouse:
//	  partition_by: toYYYYMM(created_at)
//	  columns:
//	    payload: {codec: ZSTD(3)}
//
// A file holds one document or several with a line of three dashes between them. The types are those of
// [fact.FieldTypes]. The keys of the clickhouse block are those of [ddl.Options].
//
// Reading is strict: a key that is not known, a key or a name that is there twice, or a value of the wrong kind is an
// [*Error] with line and column, and all of them are reported at once. Three things of YAML are refused because they
// make a file hard to read or to bound: anchors, aliases and merge keys. Text that YAML takes for something else, such
// as 12 or true, needs quotes.
//
// Default values are YAML values: a number for a number, a list for an array, any value for json. The JSON text {} is
// therefore written {} and not '{}', which is a JSON string. NULL is what a nullable field holds anyway, so null is not
// a default.
//
// Package infer writes such a file from rows.
package schemas
