// Package fact is the vocabulary of factload: facts, schemas and events.
package fact
