# The commands of the house. `make help` lists them.
# Settings of pip (a mirror, a proxy) are taken from your own configuration; none is needed.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
INPUTS := pyproject.toml requirements.lock
STAMP := $(VENV)/.setup-stamp
TEST_STAMP := $(VENV)/.setup-stamp-test
NOTEBOOK_STAMP := $(VENV)/.setup-stamp-notebook
MANIFEST := dbt_silver/target/.parsed

.DEFAULT_GOAL := help
.PHONY: help setup demo ui notebook test nightly lint clean browser

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) $(MANIFEST)  ## Create .venv, install what the demo needs, parse the dbt project

demo: setup  ## Create the demo company and materialise everything on embedded servers
	$(BIN)/ebp-lakehouse demo

ui: setup  ## Open the Dagster UI on the demo's lake
	$(BIN)/ebp-lakehouse ui

notebook: $(NOTEBOOK_STAMP)  ## Open the notebooks in JupyterLab on the demo's lake, or on that of EBP_LAKE_URL
	$(BIN)/ebp-lakehouse notebook

test: $(TEST_STAMP) $(MANIFEST) browser  ## Install and run every test and linter
	$(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0
	$(MAKE) lint

nightly: $(TEST_STAMP) $(MANIFEST) browser  ## The tests with ten thousand cases per property and long random schedules
	EBP_TEST_PROFILE=nightly $(BIN)/pytest -n 2 --dist loadfile --max-worker-restart 0 --timeout 7200

lint: $(TEST_STAMP) $(MANIFEST)  ## Imports, style, types, and Dagster's own check of the definitions
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/dg check defs
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt_silver/models ebp_lakehouse/silver/profile_sections
	$(BIN)/sqlfluff lint --templater placeholder --disable-progress-bar ebp_lakehouse/gold

# As root the demo's cluster may lie outside its home (.demo/postgres/data is a link then); a note beside it says whose.
clean:  ## Remove the virtual environment, the demo with all its data, caches and the dbt build
	@if [ -L .demo/postgres/data ]; then \
	  outside=$$(dirname "$$(readlink .demo/postgres/data)"); \
	  if [ "$$(cat "$$outside/home" 2>/dev/null)" = "$$(cd .demo/postgres && pwd -P)" ]; then \
	    echo "rm -rf $$outside"; rm -rf "$$outside"; fi; fi
	rm -rf $(VENV) .demo dbt_silver/target dbt_silver/logs build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache notebooks/.ipynb_checkpoints

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "No Python 3.11 or newer was found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11. Name a newer one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) could not create .venv. On Debian: apt-get install python3-venv" >&2; exit 1; }

$(STAMP): $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[demo]"
	@touch $@

$(TEST_STAMP): $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[demo,ml,dev]"
	@touch $@ $(STAMP)

$(NOTEBOOK_STAMP): $(INPUTS) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[demo,notebooks]"
	@touch $@ $(STAMP)

# Parsed once here, so that Dagster's definitions load without running dbt.
DBT_SOURCES := $(shell find dbt_silver -type f \( -name '*.sql' -o -name '*.yml' -o -name '*.csv' \) -not -path '*/target/*' 2>/dev/null)
$(MANIFEST): $(DBT_SOURCES) | $(BIN)/python
	@[ -x $(BIN)/dbt ] || $(MAKE) $(STAMP)
	$(BIN)/python -c "import ebp_lakehouse.definitions"
	@mkdir -p $(@D) && touch $@

# The UI tests need a browser. Installed only where that can be done without asking anybody.
browser:
	@if ls ebp_lakehouse_tests/e2e/test_*.py >/dev/null 2>&1 && ! command -v chromium >/dev/null 2>&1 \
	  && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  apt-get install -y -qq chromium >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || echo "chromium could not be installed: the tests that need a browser are skipped"; fi
