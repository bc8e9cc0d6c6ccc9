package main

import (
	"fmt"
	"io"
	"math"
)

// constants are what one machine was measured to take; see measure.
type constants struct {
	clientCPU float64 // s for a million rows: reading, checking and sending
	insertCPU float64 // s for a million rows: what the server takes to store them
	mergeCPU  float64 // s for a million rows, each time they are merged
	scanCPU   float64 // s for a million rows that are read with all columns
	columns   float64 // bytes of a row in columns, as it is sent without compression
	disk      float64 // bytes of a row on disk
	key       float64 // bytes of primary key in memory for a million rows
	insert    float64 // rows of an insert

	recordClientCPU float64 // s for a million facts that are recorded one by one
	recordServerCPU float64
	recordInsert    float64 // facts of an insert, of 1,024 calls at once
}

// measured is what `make bench-scale ARGS=-measure` has printed; docs/scale.md says where.
var measured = constants{
	clientCPU: 1.04, insertCPU: 1.52, mergeCPU: 1.13, scanCPU: 0.42, columns: 350, disk: 69, key: 1140, insert: 166667,
	recordClientCPU: 15.8, recordServerCPU: 24.8, recordInsert: 732,
}

// node is a server of the model. These are assumptions, to be changed by flags.
type node struct {
	cores, disk, link float64 // disk in bytes, link in bytes a second
	busy              float64 // share of the cores for what is written; questions have the rest
	replicas          float64
}

// What the model takes for granted of ClickHouse: how much of a table a merge takes at
// once, and how large parts become (max_bytes_to_merge_at_max_space_in_pool).
const (
	partsOfMerge = 10
	largestPart  = 150e9
)

// insertsOfTable is how many inserts a second a table of a server took for ten minutes
// with at most 26 active parts: `make bench-record ARGS='-long 10m'`, docs/benchmarks.md.
const insertsOfTable = 66

// merges is how often a row is merged until its part is as large as parts become.
func (c constants) merges(insert float64) float64 {
	return math.Ceil(math.Log(largestPart/(insert*c.disk)) / math.Log(partsOfMerge))
}

// writeRate writes what so many rows a second take.
func writeRate(out io.Writer, c constants, n node, rate float64) {
	fmt.Fprintf(out, "| %.0f rows/s | loaded from files | recorded one by one |\n| --- | ---: | ---: |\n", rate)
	line := func(what string, of func(client, server, insert float64) string) {
		fmt.Fprintf(out, "| %s | %s | %s |\n", what, of(c.clientCPU, c.insertCPU, c.insert), of(c.recordClientCPU, c.recordServerCPU, c.recordInsert))
	}
	millions := rate / 1e6
	cpu := func(server, insert float64) float64 { return millions * (server + c.merges(insert)*c.mergeCPU) }
	line("cores of clients", func(client, _, _ float64) string { return fmt.Sprintf("%.1f", millions*client) })
	line("rows of an insert", func(_, _, insert float64) string { return fmt.Sprintf("%.0f", insert) })
	line("inserts a second", func(_, _, insert float64) string { return fmt.Sprintf("%.0f", rate/insert) })
	line("times that a row is merged", func(_, _, insert float64) string { return fmt.Sprintf("%.0f", c.merges(insert)) })
	line("cores of servers, a replica", func(_, server, insert float64) string { return fmt.Sprintf("%.1f", cpu(server, insert)) })
	line("shards for the cores", func(_, server, insert float64) string {
		return fmt.Sprintf("%.0f", math.Ceil(cpu(server, insert)/(n.cores*n.busy)))
	})
	line("shards for the parts", func(_, _, insert float64) string { return fmt.Sprintf("%.0f", math.Ceil(rate/insert/insertsOfTable)) })
	line("network into a replica, uncompressed, MB/s", func(_, _, _ float64) string { return fmt.Sprintf("%.0f", rate*c.columns/1e6) })
	line("shards for the network", func(_, _, _ float64) string {
		return fmt.Sprintf("%.0f", math.Ceil(rate*(c.columns+(n.replicas-1)*c.disk)/n.link))
	})
	line("written to disk, a replica, MB/s", func(_, _, insert float64) string {
		return fmt.Sprintf("%.0f", rate*c.disk*(1+c.merges(insert))/1e6)
	})
	line("grows by, a replica, TB a day", func(_, _, _ float64) string { return fmt.Sprintf("%.1f", rate*c.disk*86400/1e12) })
}

// writeSize writes what a table of so many bytes on disk takes.
func writeSize(out io.Writer, c constants, n node, bytes float64) {
	rows := bytes / c.disk
	shards := math.Ceil(bytes / (n.disk * 0.7))
	fmt.Fprintf(out, "| %.0f TB on disk | |\n| --- | ---: |\n", bytes/1e12)
	for _, line := range []struct {
		what string
		n    float64
	}{
		{"rows, billions", rows / 1e9},
		{"shards for the disks, which are filled to 70 %", shards},
		{"servers, with their replicas", shards * n.replicas},
		{"largest parts, a server", math.Ceil(bytes / shards / largestPart)},
		{"primary key in memory, a server, GB", rows / 1e6 * c.key / shards / 1e9},
		{"hours to read every column of every row once, on all cores", rows / 1e6 * c.scanCPU / (shards * n.cores) / 3600},
		{"hours to send it over one link, as `factload move` does, uncompressed", rows * c.columns / n.link / 3600},
	} {
		fmt.Fprintf(out, "| %s | %.1f |\n", line.what, line.n)
	}
}
