# Two commands do all the set-up: `make demo` and `make test`.
# Needs Python 3.11 or newer, make and a package registry; everything goes into .venv.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8443
ROWS ?= 200000

BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check
# in environments of their own: the loader asks for versions of 2018, Meltano for many
LOADER := $(VENV)/target-jsonl
MELTANO := $(VENV)/meltano
RIVALS := $(VENV)/rivals
PARSER := $(VENV)/kql-parser
LOADERS := .venv-loaders
TARGETS := $(patsubst tests/loaders/pins/%.txt,$(LOADERS)/%/installed,$(wildcard tests/loaders/pins/*.txt))
CLIENTS := .venv-clients
SDKS := $(patsubst tests/clients/pins/%.txt,$(CLIENTS)/%/installed,$(wildcard tests/clients/pins/*.txt))
# the client for JavaScript, where Node is there
SDKS += $(if $(shell command -v npm),$(CLIENTS)/node/installed)

.PHONY: demo test soak lint check docs meltano-test loaders clients bench bench-latency fuzz clean

demo: $(VENV)/installed $(LOADER)/installed
	@$(BIN)/python -m demo --port $(PORT) --rows $(ROWS) \
	  --commands $(BIN) --loader $(LOADER)/bin/target-jsonl

test: $(VENV)/installed $(LOADER)/installed $(PARSER)/installed
	$(BIN)/python -m pytest

# about twenty minutes: millions of rows, hundreds of kills and of bad days; prints its figures
soak: $(VENV)/installed
	SOAK=1 $(BIN)/python -m pytest -q -s tests/soak 2>/dev/null
	$(BIN)/python -m tests.soak.rivals 2>/dev/null

lint: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# what is written from the code: the settings, and the picture of the demo
docs: $(VENV)/installed $(LOADER)/installed
	$(BIN)/python -m tests.docs.settings_page
	$(BIN)/python -m tests.docs.picture --commands $(BIN) --loader $(LOADER)/bin/target-jsonl

# a real Meltano that installs this project's plugins and runs them twice
meltano-test: $(VENV)/installed $(MELTANO)/installed
	MELTANO=$(abspath $(MELTANO)/bin/meltano) $(BIN)/python -m pytest tests/pipeline/test_meltano.py

# what real loaders hold after the tap's runs, in files, DuckDB and PostgreSQL; writes docs/loaders.md
loaders: $(VENV)/installed $(TARGETS)
	LOADERS=$(abspath $(LOADERS)) $(BIN)/python -m pytest tests/loaders \
	  --junit-xml=$(LOADERS)/report.xml -o junit_family=legacy
	$(BIN)/python -m tests.loaders.page $(LOADERS)/report.xml

# Microsoft's Graph clients, msticpy and curl against the emulator: sign in, query, errors, 429
clients: $(VENV)/installed $(SDKS)
	CLIENTS=$(abspath $(CLIENTS)) $(BIN)/python -m pytest tests/clients

# speed, beside other ways to read the same answers; writes docs/performance.md
bench: $(VENV)/installed $(RIVALS)/installed
	$(BIN)/python -m bench --write --rivals $(RIVALS)/bin/python

# whole runs against the emulator, whose answers take 0 and 5 s; writes a part of that page
bench-latency: $(VENV)/installed
	$(BIN)/python -m bench.latency --write

# ten minutes of broken and odd answers, read in every way
fuzz: $(VENV)/installed
	$(BIN)/python -m bench.fuzz --minutes 10

clean:
	rm -rf .venv .venv-loaders .venv-clients .meltano .hunting-emulator output

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --upgrade 'pip>=25.1'
	$(BIN)/python $(PIP) -c constraints.txt -e '.[emulator,sigma,duckdb]' --group dev
	-$(BIN)/hunting-emulator parser install
	touch $@

$(LOADER)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(LOADER)
	$(LOADER)/bin/python $(PIP) 'target-jsonl==0.1.4'
	touch $@

# Microsoft's own KQL parser; without Node and npm its tests are skipped, and say so
$(PARSER)/installed: tests/kql/parser/package-lock.json | $(VENV)/installed
	@mkdir -p $(PARSER) && cp tests/kql/parser/package.json $< $(PARSER)
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	  echo "Node or npm is not there: Microsoft's KQL parser is not asked"; \
	elif npm ci --prefix $(PARSER) --silent --no-audit --no-fund; then touch $@; \
	else echo "npm cannot install Microsoft's KQL parser: it is not asked"; fi

$(MELTANO)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(MELTANO)
	$(MELTANO)/bin/python $(PIP) 'meltano~=4.4'
	touch $@

$(RIVALS)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python $(PIP) 'dlt~=1.31' 'airbyte-cdk~=7.39'
	touch $@

$(LOADERS)/%/installed: tests/loaders/pins/%.txt | $(VENV)/installed
	$(PYTHON) -m venv $(LOADERS)/$*
	$(LOADERS)/$*/bin/python $(PIP) -r $<
	touch $@

$(CLIENTS)/node/installed: tests/clients/pins/package.json
	mkdir -p $(CLIENTS)/node
	cp $< $(CLIENTS)/node/package.json
	npm install --prefix $(CLIENTS)/node --no-audit --no-fund --no-package-lock --silent
	touch $@

$(CLIENTS)/%/installed: tests/clients/pins/%.txt | $(VENV)/installed
	$(PYTHON) -m venv $(CLIENTS)/$*
	$(CLIENTS)/$*/bin/python $(PIP) -r $<
	touch $@
