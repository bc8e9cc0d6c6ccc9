# factload: everything a developer does. `make` alone prints what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Knobs, as in `make test PKG=./fact/... RUN=TestPipeline`.
PKG       ?= ./...
RUN       ?=
BENCH     ?= .
BENCHTIME ?= 1s
FUZZTIME  ?= 10s
# What `make soak` runs: tests named Soak, at their large scale.
SOAKPKG   ?= ./answers ./integration_test ./clickhouse/... ./cmd/factload ./fact/...
SOAKRUN   ?= Soak
SOAKTIME  ?= 3h
# How many packages are tested at once. Each may run an engine of its own.
P         ?= 2
TIMEOUT   ?= 15m
# Where the data of tests is: in memory where there is enough.
TESTDIR   ?= $(shell scripts/test-dir.sh)
IMAGE     ?= factload:dev
# Another engine version to test with: factload engine list has those that are known.
ENGINE    ?=
# The other engine version that test-second runs on.
SECOND    ?= 26.7.0-stable.1
# Flags of bench-load, bench-record and bench-log.
ARGS      ?=
# A base for the runtime image instead of the public one (see image-offline).
BASE      ?=

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
TOOLS    := bin/.tools
LINTER   := bin/golangci-lint

# The race detector needs cgo, and that needs a C compiler.
CC_FOUND := $(shell command -v $${CC:-cc} 2>/dev/null || command -v gcc 2>/dev/null || command -v clang 2>/dev/null)
RACE     := $(if $(CC_FOUND),-race)
# With it, every process that ends waits for a second unless told otherwise: engines and commands as well.
TEST_ENV := GORACE=atexit_sleep_ms=0 CGO_ENABLED=$(if $(CC_FOUND),1,0) $(if $(ENGINE),FACTLOAD_LIBCHDB="$$(bin/factload engine path --version $(ENGINE))")

.DEFAULT_GOAL := help

##@ Use it

.PHONY: help
help: ## Print this page
	@awk 'BEGIN {FS = ":.*## "; printf "make TARGET [NAME=value ...]\n"} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\nNames, with defaults: PKG=%s RUN=%s BENCH=%s BENCHTIME=%s FUZZTIME=%s P=%s TIMEOUT=%s TESTDIR=%s ENGINE=%s IMAGE=%s BASE=%s\n' \
		'$(PKG)' '$(RUN)' '$(BENCH)' '$(BENCHTIME)' '$(FUZZTIME)' '$(P)' '$(TIMEOUT)' '$(TESTDIR)' '$(ENGINE)' '$(IMAGE)' '$(BASE)'

.PHONY: setup
setup: build ## Fetch and verify the pinned ClickHouse engine, for all projects of this user (once)
	@bin/factload engine install $(if $(ENGINE),--version $(ENGINE))

.PHONY: build
build: ## Build bin/factload (no C compiler needed)
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/factload ./cmd/factload
	@echo "build: bin/factload $(VERSION)"

.PHONY: demo
demo: setup ## Generate 200,000 chat and eval facts, load them, ask five questions
	@demo/run.sh

##@ Check it

.PHONY: test
test: setup race-note ## Run all tests against the embedded engine, with the race detector
	@$(TEST_ENV) TMPDIR=$(TESTDIR) go test $(RACE) -ldflags="-s -w" -p $(P) -timeout $(TIMEOUT) $(if $(RUN),-run '$(RUN)') $(PKG)

.PHONY: test-second
test-second: ## Run what depends on the engine most on a second version of it
	@$(MAKE) test ENGINE=$(SECOND) PKG='./clickhouse/insert ./clickhouse/migrate ./clickhouse/move ./integration_test' RUN='$(or $(RUN),Insert|Rebuild|Apply|Ensure|View|Deduplic|Record|Load|Shard|Move|Distributed)'

.PHONY: test-docker
test-docker: race-note ## Run the integration suite against an engine in a container
	@$(TEST_ENV) scripts/test-docker.sh $(RACE) -p 1 -count 1 -timeout $(TIMEOUT) $(if $(RUN),-run '$(RUN)')

.PHONY: test-replicas
test-replicas: race-note ## Run the test of replicas on the cluster of docker-compose.yml (Docker on Linux)
	@$(TEST_ENV) FACTLOAD_TEST_REPLICAS=1 go test $(RACE) -count 1 -v -timeout $(TIMEOUT) -run '^TestReplicas$$' ./integration_test

.PHONY: race-note
race-note:
	@if [ -z "$(RACE)" ]; then \
		echo "**********************************************************************" >&2; \
		echo "* No C compiler found: tests run WITHOUT the race detector.          *" >&2; \
		echo "* Install one (Debian: apt-get install gcc libc6-dev) for real runs. *" >&2; \
		echo "**********************************************************************" >&2; \
	fi

.PHONY: lint
lint: $(LINTER) ## Check style, rooms, formatting and module files
	@$(LINTER) run ./...
	@go vet ./...
	@go mod tidy -diff
	@cd tools && go mod tidy -diff
	@cd internal/bench/log && go mod tidy -diff && go vet ./...
	@echo "lint: clean"

.PHONY: fmt
fmt: $(LINTER) ## Format the Go code (gofumpt)
	@$(LINTER) fmt ./...

.PHONY: bench
bench: setup $(TOOLS) ## Run the benchmarks (compare two runs with bin/benchstat old new)
	@CGO_ENABLED=0 go test -p 1 -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 30m $(PKG)

.PHONY: bench-load
bench-load: setup ## Load the same data in several ways and compare (ARGS='-rows 100000 -rounds 1'; docs/benchmarks.md)
	@CGO_ENABLED=0 go run ./internal/bench/load $(ARGS)

.PHONY: bench-record
bench-record: setup ## Record facts from many goroutines in four ways and compare (ARGS='-rounds 1'; docs/benchmarks.md)
	@CGO_ENABLED=0 go run ./internal/bench/record $(ARGS)

.PHONY: bench-log
bench-log: setup ## Compare event stores, and a replay with a load (ARGS='-only append -rounds 1'; docs/benchmarks.md)
	@CGO_ENABLED=0 go build -C internal/bench/log -o ../../../bin/bench-log .
	@bin/bench-log $(ARGS)

.PHONY: soak
soak: setup race-note ## Run the long trials: faults, kills, memory (SOAK=0.1 is a tenth; FACTLOAD_TEST_SEED=n repeats one)
	@FACTLOAD_SOAK=$(SOAK) $(TEST_ENV) go test $(RACE) -p 1 -count 1 -v -timeout $(SOAKTIME) -run '$(SOAKRUN)' $(SOAKPKG)

.PHONY: bench-scale
bench-scale: setup ## Compute what a million rows a second and 100 TB take (ARGS=-measure measures the constants; docs/scale.md)
	@CGO_ENABLED=0 go run ./internal/bench/scale $(ARGS)

.PHONY: bench-codecs
bench-codecs: setup ## Store sample messages in many ways and print what each column takes
	@CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkCodecs$$' -benchtime 1x ./ddl
	@CGO_ENABLED=0 go test -run '^$$' -bench '^BenchmarkDeduplicationWindow$$' -benchtime 300x ./ddl

.PHONY: fuzz
fuzz: setup ## Run every fuzz test for FUZZTIME
	@FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

##@ Ship it

.PHONY: image
image: ## Build the all-in-one Docker image
	@docker build $(if $(BASE),--build-arg RUNTIME_IMAGE=$(BASE)) --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: image-offline
image-offline: setup ## Build the same image from this machine's files, pulling nothing
	@VERSION=$(VERSION) scripts/image-offline.sh $(IMAGE) $(BASE)

.PHONY: release-docs
release-docs: build ## Write manual pages and completion files to bin/release
	@rm -rf bin/release && mkdir -p bin/release/completions
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) bin/factload man bin/release/man
	@for shell in bash zsh fish; do bin/factload completion $$shell > bin/release/completions/factload.$$shell; done

.PHONY: release-check
release-check: ## Read .goreleaser.yaml and make a release in dist/, publishing nothing (needs goreleaser and cyclonedx-gomod)
	@goreleaser check
	@goreleaser release --snapshot --clean
	@cd dist && sha256sum --check --quiet SHA256SUMS

.PHONY: reproducible
reproducible: ## Build the last commit in two directories and compare the bytes
	@scripts/reproducible.sh

.PHONY: vulnerabilities
vulnerabilities: $(TOOLS) ## Look for known vulnerabilities of what is used (govulncheck)
	@scripts/vulnerabilities.sh

.PHONY: api
api: $(TOOLS) ## List what the API lacks that the last release had (SINCE=COMMIT: that commit; apidiff)
	@SINCE=$(SINCE) scripts/api.sh

##@ Housekeeping

.PHONY: tools
tools: $(TOOLS) ## Build the pinned tools into bin/ (minutes, once)

$(LINTER): $(TOOLS)

$(TOOLS): tools/go.mod tools/go.sum
	@echo "tools: building the pinned tools into bin/ (takes minutes, once)"
	@mkdir -p bin
	@CGO_ENABLED=0 GOBIN= go build -C tools -trimpath -o ../bin/ tool
	@touch $(TOOLS)

.PHONY: clean
clean: ## Remove built files and the demo's data (the engine and your data stay)
	@rm -rf bin dist .factload/demo
