package bulk

import (
	"fmt"
	"sort"
)

// batchResult is what became of a batch. It is made by a worker, which gives it to the
// committer together with the batch.
type batchResult struct {
	batch *batch
	// results are those of the chunks that were looked at, in their order.
	results []*result
	// err means that the batch could not be inserted. The load ends.
	err error
}

// hopeless returns the result of a chunk that alone has too many rejects, if there is one.
// Then nothing of the batch was inserted.
func (b *batchResult) hopeless() *result {
	for _, r := range b.results {
		if r.hopeless {
			return r
		}
	}
	return nil
}

// at returns the result of the chunk that has an offset in the batch.
func (b *batchResult) at(offset int64) *result {
	return b.results[sort.Search(len(b.results), func(i int) bool { return b.results[i].start > offset })-1]
}

// sent notes that rows were sent to the server, or may have been.
func (b *batchResult) sent() {
	for _, r := range b.results {
		r.sent = true
	}
}

// close releases the rejects. It is called once, by the committer.
func (b *batchResult) close() {
	for _, r := range b.results {
		r.close()
	}
}

// fault says which rows could not be loaded.
func (b *batch) fault(err error) error {
	first := b.list[0]
	if len(b.list) == 1 {
		return chunkError(first, err)
	}
	if err == nil || isTableError(err) {
		return err
	}
	return fmt.Errorf("%s to %s, %d inputs in one insert: %w", first.file.Name, b.list[len(b.list)-1].file.Name, len(b.list), err)
}
