package bulk

import (
	"fmt"
	"runtime"

	"github.com/docker/go-units"

	"github.com/factload/factload/clickhouse/insert"
)

const (
	// MinMemory is the least Config.Memory.
	MinMemory = 64 << 20
	// baseMemory is what a load takes besides the rows of the chunks under way:
	// the program, lines that were read and not decoded, and what Go needs to
	// collect.
	baseMemory = 40 << 20
	// leastChunk is the size of chunks below which fewer workers are better than
	// smaller chunks.
	leastChunk = 16 << 20
)

// sizes returns the number of workers and the size of a chunk: those that are
// given, or else the defaults, or what fits in the memory.
func (c *Config) sizes() (workers, chunkBytes int) {
	workers, chunkBytes = c.Workers, c.ChunkBytes
	if workers == 0 {
		workers = max(2, runtime.GOMAXPROCS(0))
	}
	if c.Memory == 0 {
		if chunkBytes == 0 {
			chunkBytes = DefaultChunkBytes
		}
		return workers, chunkBytes
	}
	room := max(c.Memory-baseMemory, 0) / int64(c.copies()) // of all chunks
	if c.Workers == 0 {
		least := int64(chunkBytes)
		if least == 0 {
			least = leastChunk
		}
		workers = int(min(int64(workers), max(1, room/least)))
	}
	if chunkBytes == 0 {
		chunkBytes = int(max(minChunkBytes, min(DefaultChunkBytes, room/int64(workers))))
	}
	return workers, chunkBytes
}

// copies is how many times the rows of a chunk are held.
func (c *Config) copies() int {
	if c.Client == nil || c.DryRun {
		return 1
	}
	return insert.BlockCopies(c.Client)
}

// footprint is the formula of docs/loading.md.
func (c *Config) footprint() int64 {
	workers, chunkBytes := c.sizes()
	return baseMemory + int64(workers)*int64(chunkBytes)*int64(c.copies())
}

func (c *Config) validateMemory() error {
	if c.Memory == 0 {
		return nil
	}
	if c.Memory < MinMemory {
		return fmt.Errorf("the memory is %d: use at least %d, or 0 for no bound", c.Memory, MinMemory)
	}
	if need := c.footprint(); need > c.Memory {
		workers, chunkBytes := c.sizes()
		return fmt.Errorf("%d workers with chunks of %s take some %s, which is more than the memory of %s: give fewer workers or smaller chunks, or leave them to the memory",
			workers, units.BytesSize(float64(chunkBytes)), units.BytesSize(float64(need)), units.BytesSize(float64(c.Memory)))
	}
	return nil
}
