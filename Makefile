# Everything runs from .venv; `make` alone prints this help.
BIN := .venv/bin
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo run test test-all lint types docs bench fuzz faults check fmt wheel requirements server

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv with everything for development
	@scripts/setup dev

server: # make .venv with what the gateway and the sandbox need
	@scripts/setup server

demo: server ## show the main job, end to end, on a local stand-in for Snowflake
	@$(BIN)/skipass demo

run: server ## the same set-up, left running; prints what to paste into an agent
	@$(BIN)/skipass serve --sandbox

test: setup ## the tests, without the slow rings
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

test-all: setup ## every test
	@$(BIN)/python -m pytest -n auto --dist loadfile

lint: setup ## style, import contracts, no private key in the repository
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports && $(BIN)/python scripts/private_keys.py

types: setup ## mypy, strict
	@$(BIN)/mypy

docs: setup ## build the documentation into docs/_build; a warning fails it
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

bench: setup ## the benchmarks, as ratios
	@$(BIN)/python -m benchmarks

fuzz: setup ## attack the statement guard; SEED= and COUNT= replay or widen a run
	@$(BIN)/python -m fuzz $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT))

RACES := tests/gateway/test_approvals.py::test_races_replays_and_swaps_never_run_it_twice_or_otherwise
faults: setup ## crashes and faults: kill the gateway, break what it depends on
	@$(BIN)/python -m pytest -s tests/faults "$(RACES)"

check: lint types docs test-all ## what has to pass before a change is merged

fmt: setup ## format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

wheel: setup ## build the wheel into dist
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

requirements: ## recompile requirements/*.txt from pyproject.toml (needs uv)
	@scripts/requirements
