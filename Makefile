.DEFAULT_GOAL := help
.PHONY: help run test check lint docs conformance conformance-docs test-setup deny interop fuzz simulate sabotage torture fixtures idle bench bench-build bench-tenants bench-quick bench-peers bench-gate bench-history bench-access demo clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build, open ./data, create tenant acme, print the keys once, and serve
	cargo run --release -p cli -- serve --data ./data --tenant acme

test: ## every test: units, laws, crashes, Okta's life of a user, fixtures
	cargo test --workspace

check: lint docs test ## format, lints, documents and tests

lint: ## format and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

docs: ## the API documents, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

conformance: ## every statement of SCIM 2.0 beside the tests that prove it
	cargo run -q -p testkit --bin conformance

conformance-docs: ## write docs/conformance.md from the statements and the tests' names
	cargo run -q -p testkit --bin conformance -- --write

test-setup: ## the public SCIM testers, pinned, into .venv (brings python3 on Debian if it is missing)
	@.ci/test-setup

deny: ## licences, sources and known faults of what we depend on; installs cargo-deny into .tools the first time (4 min)
	@.ci/deny

interop: test-setup ## the public SCIM testers against the real binary, in about 2 min
	@.venv/bin/python .ci/interop

fuzz: ## what reads a client's words, FUZZ_SECONDS (20) for each target; wants a C++ compiler
	@.ci/fuzz

simulate: ## random commands against a failing log, 2,000 seeds
	cargo run --release -p testkit --bin simulate -- --seeds 2000

sabotage: ## break the code on purpose, one fault at a time; the simulation must notice each; or some: LAW="lock policy"
	cargo run -p testkit --bin sabotage -- $(LAW)

torture: ## faults put to the real binary, about 25 min, mounts as root; or one: FAULT=power SEED=7 COUNT=20
	cargo build -q --release -p cli
	cargo run -q --release -p testkit --bin torture -- --rollbook $(or $(CARGO_TARGET_DIR),target)/release/rollbook \
		--out $(or $(CARGO_TARGET_DIR),target)/torture.json $(if $(FAULT),--fault $(FAULT)) $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

fixtures: ## the stories and the fixtures; or record a new one: make fixtures NAME=okta-spring STORY=okta-month
ifdef NAME
	cargo run --release -p cli -- fixture record replay-fixtures --name $(NAME) --story $(STORY)
else
	@cargo run -q --release -p cli -- fixture list replay-fixtures
endif

idle: ## 10,000 connections that say nothing, against the real binary: what they cost, in about 40 s
	ulimit -n $$(ulimit -Hn) && cargo test -p cli --test it ten_thousand_idle -- --ignored --nocapture

bench-tenants: ## what 10,000 tenants of 10 users cost in memory, in about 1 min
	cargo run --release -p testkit --bin tenants -- 10000 10

# Both binaries in one build: by itself, each would be built with other features of what they share.
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
bench-build:
	cargo build --release -p cli -p benches

bench: bench-build ## every speed and size that is promised, beside the machine's own ceilings; or some: ROWS=T1,T4 USERS=100000
	$(RELEASE)/benches $(if $(ROWS),--rows $(ROWS)) $(if $(USERS),--users $(USERS))

bench-quick: bench-build ## the same roughly, with 10,000 users at most, in about 3 min; or some: ROWS=T1,T4
	$(RELEASE)/benches --quick $(if $(ROWS),--rows $(ROWS)) $(if $(USERS),--users $(USERS))

bench-peers: bench-build ## public SCIM servers at the same work, in the same run, in about 5 min; brings python3, node and npm on Debian if they are missing
	@.ci/bench-peers $(RELEASE)/../bench-peers
	$(RELEASE)/benches peers $(RELEASE)/../bench-peers $(if $(USERS),--users $(USERS))

# With a profile of its own: see Cargo.toml.
bench-gate: ## instructions of the hot paths beside benches/gate.txt, fails beyond +10 %; brings valgrind on Debian if it is missing; RECORD=1 records anew
	@.ci/bring valgrind valgrind
	cargo run -q --profile gate -p benches -- gate $(if $(RECORD),--record)

bench-history: bench-build ## how long audit questions take out of EVENTS (1,000,000) commits
	$(RELEASE)/benches history $(or $(EVENTS),1000000)

bench-access: ## checks a second on one core: 100,000 users, 2,000 groups, 200 policies
	cargo run --release -p access --example checks

demo: ## fill the server that `make run` started; wants ROLLBOOK_SCIM_KEY and ROLLBOOK_OPERATOR_KEY
	cargo run --release -p cli -- demo

clean: ## remove what was built; ./data stays
	cargo clean
