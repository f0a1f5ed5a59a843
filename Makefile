# One word for each habit; every target installs what it needs first (`make setup`).
PYTHON ?= python3
BIN := .venv/bin
UPGRADE ?= --upgrade
SIDE_BY_SIDE := -n logical --dist worksteal
# Those on the real stack mostly wait. A running stack, and what a module starts, is started by one process alone;
# the longest come first (tests/tiers.py), and not what has the most tests.
STACKS_SIDE_BY_SIDE := -n 2 --dist loadgroup --no-loadscope-reorder
# Per cent of the lines and branches that the fast tests reach at least.
FLOOR := 52
FLOOR_PURE := 95
export PATH := $(CURDIR)/$(BIN):$(PATH)

# What may be set behind a target. One that is not named here would change nothing, so that make refuses it.
VARIABLES := PYTHON UPGRADE FLOOR FLOOR_PURE PORT SECONDS JOBS EXAMPLES SENTINEL TIMES
GIVEN := $(foreach one,$(.VARIABLES),$(if $(filter command,$(origin $(one))),$(one)))
ifneq ($(filter-out $(VARIABLES),$(GIVEN)),)
$(error no variable $(filter-out $(VARIABLES),$(GIVEN)); there are: $(VARIABLES))
endif

.PHONY: help setup up demo test test-fast coverage hooks check fmt docs dashboard monitoring-proof screenshots client lock sbom pin soak fuzz bench bench-quick bench-setup clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed ## install everything from requirements.lock into .venv

.venv/.installed: requirements.lock pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" sh deploy/setup.sh
	@touch $@

up: setup ## run the whole stack (Ctrl-C stops it); PORT is the API's
	@leadmill up $(if $(filter PORT,$(GIVEN)),--port $(PORT))

demo: setup ## run the main job on the sample sites and print the best leads
	@leadmill demo

test: setup ## run every test: the fast ones and those on the real stack side by side, then faults one by one
	@fast=0; $(MAKE) -s coverage || fast=$$?; \
		pytest -m stack $(STACKS_SIDE_BY_SIDE) || exit $$?; \
		pytest -m faults || exit $$?; \
		[ $$fast = 0 ] || echo "make test: the rest passed; fast tests or their coverage failed, see above" >&2; exit $$fast

test-fast: setup ## run the tests that start no server and no process, side by side
	@pytest -m fast $(SIDE_BY_SIDE)

coverage: setup ## the same, with the lines that they reach; fails below the floors
	@pytest -m fast $(SIDE_BY_SIDE) --cov --cov-report= || exit $$?; \
		echo "reached by fast tests, all packages and the pure ones:"; \
		coverage report --format=total --fail-under=$(FLOOR) && \
		coverage report --format=total --fail-under=$(FLOOR_PURE) --include='extraction/*,reports/*'

hooks: setup ## have git run the checks before each commit
	@pre-commit install

soak: setup ## break a busy stack for SECONDS (600) and print the table; then 10,000 jobs at once, kills of deliverers, its memory, histories of records; SENTINEL=1: lose TIMES (200) primaries
ifdef SENTINEL
	@python -m tests.faults.failovers --times $(or $(TIMES),200)
else
	@python -m tests.faults.soak --seconds $(or $(SECONDS),600)
	@python -m tests.faults.notice_kills
	@LEADMILL_TEST_MANY_JOBS=$(or $(JOBS),10000) pytest -q -s tests/faults/test_many_jobs.py
	@python -m tests.faults.flat --seconds $(or $(SECONDS),600)
	@LEADMILL_TEST_EXAMPLES=$(or $(EXAMPLES),500) pytest -q -n 0 tests/data/jobs/test_state_machine.py
endif

fuzz: setup ## break pages for SECONDS (600), others each time, and read them
	@LEADMILL_TEST_FUZZ_SECONDS=$(or $(SECONDS),600) pytest -q -s tests/extraction/test_mutations.py

check: setup ## format, lint (Python and Lua), types, import order, licences
	@ruff format --check .
	@ruff check .
	@mypy
	@lint-imports
	@PYTHONPATH=. python deploy/lint_lua.py
	@python -m deploy.plain_client --check
	@python -m deploy.run_time

fmt: setup ## format and mend what the linter can mend
	@ruff format .
	@ruff check --fix .

docs: setup ## write anew what the docs take from the code: settings, commands, calls, decisions, the map
	@python -m docs.generate

dashboard: setup ## write the Grafana dashboard anew from deploy/monitoring/grafana/dashboard.toml
	@python -m deploy.dashboard

monitoring-proof: setup ## break a stack of its own until each alert fires, mend it until it is over (needs Debian's prometheus)
	@python -m tests.deploy.monitoring.proof

client: setup ## write the Python client without await anew from the one with it
	@python -m deploy.plain_client

screenshots: setup ## take the README's pictures anew, of the running product (needs a Chromium)
	@python -m docs.screenshots

lock: setup ## renew requirements.lock and its parts for the image from pyproject.toml (UPGRADE= keeps versions)
	@uv pip compile pyproject.toml --group dev --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header $(UPGRADE) --quiet -o requirements.lock
	@uv pip compile pyproject.toml --all-extras -c requirements.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --quiet -o deploy/runtime.lock
	@uv pip compile --group build -c requirements.lock --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --quiet -o deploy/build.lock

sbom: setup ## write sbom.cdx.json: all that is needed to run, with versions and licences (CycloneDX)
	@python -m deploy.run_time --sbom > sbom.cdx.json && echo sbom.cdx.json

pin: ## write the digests of the images that compose builds on and runs into .env (asks their registry)
	@sh deploy/pin.sh

clean: ## remove what running and testing left (not .venv, not ./var)
	@rm -rf .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

include benchmarks/targets.mk
