# `make help` lists what there is. Set-up happens by itself, once, and again when a pinned requirement changes.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# What is compiled is kept, whatever the shell says: without it each of a thousand processes compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip
BENCH_VENV := .venv-bench
REQUEST ?= events/requests/maxcut_petersen.json

.PHONY: help setup run test test-unit faults check wheel docs bench lock-bench clean
help:  ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1|/' | column -t -s '|'

setup: $(VENV)/.ready  ## make .venv from the pinned requirements; nothing when it is up to date

$(VENV)/.ready: requirements/uv.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 with venv is needed; name one with: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/uv.txt
	@$(UV) sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt requirements/uv.txt
	@$(UV) install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: setup  ## take a problem through the whole pipeline on this machine: make run REQUEST=FILE
	@$(BIN)/qpipe run "$(REQUEST)"

# As in a job: the workers leave no processor to a second thread, and threads that wait for one take its time.
test test-unit faults: export OPENBLAS_NUM_THREADS = 1

# Of two processors: in whole runs a worker waits for a fifth of its time, in which a third one works.
test: setup  ## the whole test suite
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

test-unit: setup  ## the tests that need no local AWS
	@$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/job src hybrid_job

faults: setup  ## whole runs under seeded faults: make faults N=200 SEED=1, or PLAN='...' as a failure prints it
	@$(BIN)/python -m tests.faults -n $(or $(N),200) --seed $(or $(SEED),1) $(if $(KIND),--kind "$(KIND)") $(if $(PLAN),--plan "$(PLAN)")

check: setup validate scan build  ## format, lint, types, architecture, template, package sizes
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary src hybrid_job functions benchmarks scripts tests
	@$(BIN)/python -m scripts.contracts .cache/contracts.ini
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo --config .cache/contracts.ini

wheel: setup  ## install the wheel alone, in an environment of its own, and run it in an empty folder
	@$(BIN)/python -m scripts.check_wheel

docs: setup  ## write docs/request.schema.json and the tables of docs/request.md and docs/files.md anew, from the code
	@$(BIN)/python -m scripts.request_docs
	@$(BIN)/python -m scripts.file_docs

bench: $(BENCH_VENV)/.ready  ## side by side with peers, in an environment of their own; and 20 random instances
	@for each in qaoa optimise bandwidth scaling vqe molecules overhead instances; do $(BENCH_VENV)/bin/python -m benchmarks.$$each; done

$(BENCH_VENV)/.ready: requirements/bench.txt pyproject.toml | setup
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(BENCH_VENV)
	@$(UV) sync --quiet --require-hashes --python $(BENCH_VENV)/bin/python requirements/bench.txt
	@$(UV) install --quiet --python $(BENCH_VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

# The peers' lock: what requirements/dev.txt pins, and the peers; two files say where QOKit's own pins are not followed.
lock-bench: setup
	@$(UV) compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --overrides requirements/bench.overrides --excludes requirements/bench.excludes --constraints requirements/dev.txt \
	  --all-extras --group dev --group peers pyproject.toml --output-file requirements/bench.txt

clean:  ## remove everything that was made here, except runs
	@rm -rf .venv .venv-* .aws-sam .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

include sam.mk
