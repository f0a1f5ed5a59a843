# One word for each habit; every target installs what it needs first (`make setup`).
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup up demo test check fmt docs lock pin soak bench bench-quick bench-setup clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed ## install everything from requirements.lock into .venv

.venv/.installed: requirements.lock pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" sh deploy/setup.sh
	@touch $@

up: setup ## run the whole stack (Ctrl-C stops it)
	@leadmill up

demo: setup ## run the main job on the sample sites and print the best leads
	@leadmill demo

test: setup ## run every test on the real stack
	@pytest

soak: setup ## break a busy stack for SECONDS (600) and print the table; then 10,000 jobs at once; then watch its memory
	@python -m tests.faults.soak --seconds $(or $(SECONDS),600)
	@LEADMILL_TEST_MANY_JOBS=$(or $(JOBS),10000) pytest -q -s tests/faults/test_many_jobs.py
	@python -m tests.faults.flat --seconds $(or $(SECONDS),600)

check: setup ## format, lint, types, import order
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports

fmt: setup ## format and mend what the linter can mend
	@ruff format .
	@ruff check --fix .

docs: setup ## write anew what the docs take from the code: settings, commands, calls
	@python -m docs.generate

lock: setup ## renew requirements.lock, and the parts of it that the image takes, from pyproject.toml
	@uv pip compile pyproject.toml --group dev --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --upgrade --quiet -o requirements.lock
	@uv pip compile pyproject.toml -c requirements.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --quiet -o deploy/runtime.lock
	@uv pip compile --group build -c requirements.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --quiet -o deploy/build.lock

pin: ## write the digests of the images that compose builds on and runs into .env (asks their registry)
	@sh deploy/pin.sh

clean: ## remove what running and testing left (not .venv, not ./var)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

include benchmarks/targets.mk
