# The commands of this repository. Written for GNU make 3.81, which macOS carries.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON_BIN := .venv/bin/python

# A stray one of these would make another Python's packages ours.
unexport PYTHONHOME
unexport PYTHONPATH

# SUITES=unit,integration   which suites `make test` runs; empty: all
# ARGS="--executors 2"      options for `plugarr up`, pytest or the benchmarks
# SEED=1 RUNS=1000          repeats an order of `make faults`; how many runs it has
SUITES :=
ARGS :=
SEED :=
RUNS :=

.PHONY: help setup preflight run test check faults golden bench lock clean

help: ## Say what there is (the default)
	@echo 'Plugarr. The two commands: make run, make test. All of them:'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile
	@echo 'Variables: SUITES=unit,integration for test; SEED=1 RUNS=1000 for faults; ARGS="…" for run, test, faults and bench.'

setup: ## Put everything into .venv, and build the web UI into frontend/dist
	@sh scripts/setup.sh test

preflight: ## Look at this machine only, and say what it lacks
	@sh scripts/preflight.sh test

run: ## Start everything on this machine; the UI is at http://localhost:9191
	@sh scripts/setup.sh run $(ARGS)
	@exec .venv/bin/plugarr up $(ARGS)

test: ## Run every test, or those of SUITES
	@sh scripts/setup.sh test
	@$(PYTHON_BIN) scripts/suites.py "$(SUITES)" $(ARGS)

check: ## Only what needs no running: lint, format, types, imports
	@sh scripts/setup.sh test
	@$(PYTHON_BIN) scripts/suites.py static

faults: ## Kill, stop and starve everything under 10,000 runs, and audit what is left
	@sh scripts/setup.sh test
	@$(PYTHON_BIN) -m tests.faults --seed "$(SEED)" --runs "$(RUNS)" $(ARGS)

golden: ## Write the golden files anew; the diff is a decision
	@sh scripts/setup.sh test
	@$(PYTHON_BIN) -m pytest tests/golden --write-golden -q
	@sh scripts/ui.sh types

bench: ## Measure, and compare with what was promised
	@sh scripts/setup.sh test
	@$(PYTHON_BIN) -m bench $(ARGS)

lock: ## Write the locks anew from pyproject.toml (UPGRADE=1: newest versions)
	@sh scripts/setup.sh test
	@UPGRADE="$(UPGRADE)" sh scripts/lock.sh

clean: ## Remove what set-up and tests made; never ./data
	rm -rf .venv .build frontend/node_modules frontend/dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
