# Two commands do all the set-up: `make demo` and `make test`.
# Needs Python 3.11 or newer, make and a package registry; everything goes into .venv.

PYTHON ?= python3
PORT ?= 8443
ROWS ?= 200000
BIN := .venv/bin
# in an environment of its own: it asks for versions of 2018
LOADER := .venv/target-jsonl

.PHONY: demo test check clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[emulator,sigma]' --group dev
	touch $@

$(LOADER)/bin/target-jsonl: | .venv/installed
	$(PYTHON) -m venv $(LOADER)
	$(LOADER)/bin/python -m pip install --quiet --disable-pip-version-check 'target-jsonl==0.1.4'

demo: .venv/installed $(LOADER)/bin/target-jsonl
	@$(BIN)/python -m demo --port $(PORT) --rows $(ROWS)

test: .venv/installed
	$(BIN)/python -m pytest

check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

clean:
	rm -rf .venv .hunting-emulator output
