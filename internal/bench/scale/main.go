// Scale computes what a million rows a second and 100 TB take, from what one machine was
// measured to take. Docs/scale.md has what it prints.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

// usual is a server as many have.
func usual() node { return node{cores: 32, disk: 10e12, link: 10e9 / 8, busy: 0.5, replicas: 2} }

func main() {
	n := usual()
	rate := flag.Float64("rate", 1e6, "rows a second")
	size := flag.Float64("tb", 100, "terabytes on disk")
	measure := flag.Bool("measure", false, "measure the constants on this machine, and print them")
	rows := flag.Int("rows", 2_000_000, "rows to measure with")
	flag.Float64Var(&n.cores, "cores", n.cores, "cores of a server")
	flag.Float64Var(&n.disk, "disk", n.disk/1e12, "terabytes of a server's disk")
	flag.Float64Var(&n.link, "link", n.link*8/1e9, "gigabits a second of a server's network")
	flag.Float64Var(&n.busy, "busy", n.busy, "share of the cores that may write")
	flag.Float64Var(&n.replicas, "replicas", n.replicas, "replicas of a shard")
	flag.Parse()
	n.disk, n.link = n.disk*1e12, n.link*1e9/8
	if *measure {
		if err := measureAll(context.Background(), os.Stdout, *rows, 10*time.Second); err != nil {
			fmt.Fprintln(os.Stderr, "scale:", err)
			os.Exit(1)
		}
		return
	}
	writeRate(os.Stdout, measured, n, *rate)
	fmt.Println()
	writeSize(os.Stdout, measured, n, *size*1e12)
}
