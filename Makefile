# Everything is one command; the work is done by cargo and by the two programs.
#
#   make dev ARGS='--set http.port=8001'   flags of `registry dev`
#   make dev ARGS=--no-gateway             without the simulated inverter
#   make db.rebuild TARGET=read            read, write or all
#   make db.reset CONFIRM=yes              without the question
#   make bench ROW=transfer                one row of the table
#   make bench ARGS='--many 1000000'       flags of the bench
#   make bench ARGS=--apart                separate processes instead of one tree, and their failover
#   make bench.growth SIZES=100000,1000000 fewer bundles
#   make test.fuzz FUZZ=smoke              the same few cases each time
#   make test.faults MINUTES=10 SEED=7     shorter, and in another order

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# A shell opened before rustup was installed does not have it.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Settings of a local `.env` hold for all that runs here.
ENV := set -a; if [ -f .env ]; then . ./.env; fi; set +a;
# One set of packages, so that cargo resolves the same features each time and builds them once.
BUILD := cargo build --release --package registry --package projections --package gateway --bins
BIN := "$${CARGO_TARGET_DIR:-target}"/release
# Where a running `registry dev` says how to reach it.
IN_DEV := file="$${GCR_DATA_DIR:-data}/dev.toml"; \
	if [ ! -f "$$file" ]; then echo "make: nothing is running here; start it with make dev" >&2; exit 1; fi; \
	GCR_CONFIG="$$file"
WITH_REGISTRY := "$${CARGO_TARGET_DIR:-target}"/debug/with_registry
# What is off unless asked for, and tested nevertheless.
FEATURES := gateway/pkcs11,registry/kurrentdb,tests/kurrentdb
# What `make test` has built already: other features would build much of it anew.
TEST_BUILD := cargo build --quiet --workspace --bins --tests --features $(FEATURES)
# Tests make and drop a thousand databases: in memory, where enough of it is free, rather than on a disk.
IN_MEMORY := free=$$(df -kP /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	if [ "$${free:-0}" -ge 8388608 ]; then export TMPDIR=/dev/shm; fi;
FAULTS = faults::suite::whatever_$(if $(SERVER),a_server_of_events_does,fails)_under_load_each_acknowledged_write_is_made_once
TARGET ?= all
DAYS ?= 20
MINUTES ?= 20
SEED ?= $(shell date +%s)
FUZZ ?= full
SIZES ?= 100000,1000000,10000000

.PHONY: help dev test test.clients test.compose test.faults test.fuzz test.kurrentdb test.outage lint fmt db.seed db.reset db.rebuild openapi openapi.check config.page bench bench.growth bench.paths bench.smoke gateway.bench install

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

dev: install ## Build and run all of it here: event store, two Postgres, API, projectors, an inverter, a gateway
	@$(BUILD)
	@$(ENV) exec $(BIN)/registry dev $(ARGS)

test: install lint ## Check format and lints, run every test
	@.ci/install softhsm dbus node faults
	@$(IN_MEMORY) if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --workspace --features $(FEATURES); \
	else cargo test --workspace --lib --bins --tests --features $(FEATURES); fi
	@cargo test --workspace --doc --quiet --features $(FEATURES)

test.clients: ## Generate TypeScript and Python clients, compile them, walk with them
	@.ci/install node python
	@$(TEST_BUILD)
	@tests/clients/run $(WITH_REGISTRY)

test.faults: install ## Let one thing after another fail under load: kill, stop, cut, fill, set clocks (MINUTES=20 SEED=7 SERVER=1)
	@.ci/install faults
	@$(IN_MEMORY) GCR_FAULTS_MINUTES=$(MINUTES) GCR_FAULTS_SEED=$(SEED) \
		cargo test --workspace --features $(FEATURES) --test it -- --nocapture --exact $(FAULTS)

test.fuzz: ## Fuzz the whole API for as long as it takes, or shortly (FUZZ=smoke)
	@.ci/install python
	@.ci/venv tests/fuzz
	@$(TEST_BUILD)
	@$(WITH_REGISTRY) tests/fuzz/run $(FUZZ)
	@[ "$(FUZZ)" = smoke ] || $(WITH_REGISTRY) tests/fuzz/run peers

test.kurrentdb: install ## Run the event store's suite and a walk on the KurrentDB server that GCR_TEST_KURRENTDB names
	@if [ -z "$${GCR_TEST_KURRENTDB:-}" ]; then \
		echo "make: set GCR_TEST_KURRENTDB to the connection string of a server that may be written to, e.g. esdb://localhost:2113?tls=false" >&2; exit 1; fi
	@cargo test --package event_store --features kurrentdb --test it -- kurrentdb::
	@cargo test --package tests --features kurrentdb --test it -- kurrentdb::

test.compose: install ## Check the compose file, and run what it starts as plain processes
	@.ci/install python
	@.ci/venv tests/compose
	@$(TEST_BUILD)
	@tests/compose/run "$${CARGO_TARGET_DIR:-target}"/debug

test.outage: install ## Live through days on which registry, network and gateway fail (DAYS=20)
	@GCR_OUTAGE_DAYS=$(DAYS) cargo test --package tests --test it -- --nocapture outage::registry_network

lint: ## Check format and lints
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --features $(FEATURES) --quiet -- -D warnings

fmt: ## Format the code
	@cargo fmt --all

db.seed: ## Fill the running dev registry with the demo, through its API; twice adds nothing
	@$(BUILD)
	@$(ENV) $(IN_DEV) $(BIN)/registry seed

db.reset: ## Delete the dev data, events included; asks first
	@$(BUILD)
	@$(ENV) $(BIN)/registry dev --reset $(if $(filter yes,$(CONFIRM)),--yes)

db.rebuild: ## Build the projections of dev anew from the events (TARGET=read|write|all)
	@$(BUILD)
	@$(ENV) $(IN_DEV) $(BIN)/projector rebuild --target $(TARGET)

openapi: ## Write the API's document to schemas/openapi/openapi.json
	@cargo run --quiet --package registry -- openapi --output schemas/openapi/openapi.json

config.page: ## Write the page of settings, registry/CONFIGURATION.md, from what the code says of them
	@GCR_TEST_UPDATE_CONFIGURATION=1 cargo test --quiet --package registry --lib -- config::page_tests

openapi.check: ## Check that the document breaks no client of the last released one
	@cargo test --quiet --package schemas --test openapi_release

bench: install ## Measure every row of the targets, or one (ROW=transfer)
	@$(BUILD)
	@cargo run --release --package load --bin bench -- $(ROW) $(ARGS)

bench.growth: install ## Measure how cost grows with what there is (SIZES=100000,1000000,10000000), and draw it
	@$(BUILD)
	@cargo run --release --package load --bin bench -- $(ROW) --sizes $(SIZES) $(ARGS)

bench.paths: install ## Time the hot paths of rules, projections and signatures by themselves
	@cargo bench --quiet --package ledger --bench time
	@cargo bench --quiet --package tests --bench projection --bench signature

bench.smoke: ## Compare the instructions that the rules' hot paths take with the committed counts
	@.ci/install valgrind
	@cargo bench --quiet --package ledger --bench instructions

gateway.bench: install ## Measure CPU and memory of a gateway that reads 100 meters each second
	@cargo build --release --package gateway
	@gateway/measure $(BIN)/gateway

install:
	@.ci/install
