// Package soak scales the tests whose names contain Soak: `make test` runs a
// small part of them, and `make soak` all, or a share of it.
package soak

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// The environment variables that scale tests.
const (
	// Env is the share of the large scale that is asked for: 1 is all of it, 0.1 a
	// tenth, and nothing or 0 the small scale.
	Env = "FACTLOAD_SOAK"
	// TrialsEnv is a number of trials, for Trials.
	TrialsEnv = "FACTLOAD_SOAK_TRIALS"
	// SeedEnv is the seed to repeat a run with.
	SeedEnv = "FACTLOAD_TEST_SEED"
)

// Scale returns the share of large that the environment asks for, and small at
// least.
func Scale(small, large int) int {
	text := os.Getenv(Env)
	if text == "" {
		return small
	}
	share, err := strconv.ParseFloat(text, 64)
	if err != nil || share < 0 || share > 1 {
		panic(fmt.Sprintf("%s=%q: want a share from 0 to 1", Env, text))
	}
	return max(small, int(share*float64(large)))
}

// Trials is Scale for a number of trials, which FACTLOAD_SOAK_TRIALS overrides.
func Trials(t testing.TB, small, large int) int {
	t.Helper()
	if n, ok := number(t, TrialsEnv); ok {
		return int(n) //nolint:gosec // a number of trials
	}
	return Scale(small, large)
}

// Seed returns a random seed, or the one of FACTLOAD_TEST_SEED, and logs it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, ok := number(t, SeedEnv)
	if !ok {
		seed = rand.Uint64() >> 1 //nolint:gosec // a seed, and positive also for those who read it as signed
	}
	t.Logf("repeat with %s=%d", SeedEnv, seed)
	return seed
}

func number(t testing.TB, env string) (uint64, bool) {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s=%q: want a number", env, text)
	}
	return n, true
}
