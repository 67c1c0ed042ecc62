# wallscan: `make` explains its targets.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Two processes, each with servers of its own; SPREAD= takes one of each. Slow files come first (tests/conftest.py).
SPREAD ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast lint bench lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed  ## inspect the sample walls on a private stack and print the per-wall table
	@rm -rf out/demo
	@env -u WALLSCAN_URL WALLSCAN_DATA_DIR='$(CURDIR)/.wallscan' \
	  $(BIN)/wallscan inspect samples/photos --site "Sample building" --out out/demo
	@$(BIN)/python -m samples.compare out/demo

up: $(VENV)/.installed  ## serve the whole stack until Ctrl-C; prints its address and a ready key
	@$(BIN)/wallscan up

test: $(VENV)/.installed-dev  ## pass all tests against real Valkey, PostgreSQL and S3
	$(BIN)/python -m pytest $(SPREAD)

test-fast: $(VENV)/.installed-dev  ## the tests that take under 20 s each
	$(BIN)/python -m pytest $(SPREAD) -m "not slow"

lint: $(VENV)/.installed-dev  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev  ## measure speed on this machine (nothing is asserted)
	$(BIN)/python -m benchmarks

lock: $(VENV)/.installed-dev  ## write constraints.txt from what is installed and tested
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:  ## remove the virtual environment and everything written by demo and tests
	rm -rf $(VENV) .wallscan out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "wallscan needs Python 3.11 or newer; set it with: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing (Debian: apt install python3-venv)"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing wallscan into $(VENV) (a few minutes the first time) ..."
	@$(PIP) -e '.[local]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing wallscan and its development tools into $(VENV) (a few minutes the first time) ..."
	@$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.installed
