# Ledgerline. `make help` lists what there is. Needs Python 3.11+, make and git; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DAYS ?= 31
SEEDS ?= 10000
SECONDS_OF_SIMULATION ?= 240
REAL ?= tests/real
EXTRAS ?=
# installed packages are compiled once, not at every start
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK := 1
export DAGSTER_DISABLE_TELEMETRY := yes
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.DEFAULT_GOAL := help
.PHONY: help install demo ui stack test check format test-slow test-simulation test-real test-telemetry test-browser bench bench-smoke docs dbt-docs docs-pages security build release hooks clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Ledgerline needs Python 3.11 or newer; call: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: $(BIN)/uv pyproject.toml constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[bench]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[docs]'
	@touch $@

install: $(VENV)/.installed ## make .venv with what running needs; EXTRAS=aws,azure,gcs,pdf,timestamps adds to it
ifneq ($(EXTRAS),)
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'
endif

demo: $(VENV)/.installed ## the whole pipeline against a pretend tenant: pull, archive, marts, SQL, statement, report
	$(BIN)/ledgerline demo --days $(DAYS) --keep

ui: $(VENV)/.installed ## the Dagster UI over the demo's archive, tenant and receivers (after `make demo`)
	$(BIN)/python -m orchestration.ui --demo

stack: $(VENV)/.installed ## PostgreSQL, an S3 server, Trino and Dagster on this machine without Docker, and the demo on them
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[aws,postgres,trino]'
	$(BIN)/python -m orchestration.stack --days $(DAYS)

test: $(VENV)/.installed-dev ## the tests (browser tests where a Chromium is found)
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m 'not slow and not real and not browser'
	$(BIN)/python -m pytest -q -m 'browser and not slow' tests/browser

check: $(VENV)/.installed-dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

security: $(VENV)/.installed-dev ## what the tools of the security review find; ONLINE=1 asks for known vulnerabilities too
	$(BIN)/python -m tests.security $(if $(ONLINE),--online)

build: $(VENV)/.installed-dev ## wheel and source archive into dist/, the same bytes whoever builds them
	$(BIN)/python deploy/release/build.py dist $(BIN)/uv

release: build ## and beside them what is in them: an SBOM, and the pinned requirements with their hashes
	$(BIN)/python deploy/release/inventory.py dist $(BIN)

hooks: $(VENV)/.installed-dev ## check each commit before it is made (pre-commit)
	$(BIN)/pre-commit install --hook-type pre-commit

format: $(VENV)/.installed-dev ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-slow: $(VENV)/.installed-dev ## kills, two writers, long histories: minutes
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m 'slow and not real' $(SLOW)

test-simulation: $(VENV)/.installed-dev ## the pipeline under faults that a seed decides: SEEDS of them, for at most SECONDS_OF_SIMULATION
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --seconds $(SECONDS_OF_SIMULATION)

test-real: $(VENV)/.installed-dev ## against third-party servers built or installed on this machine (needs Go; for some also npm, or Java and Maven)
	$(BIN)/python -m pytest -q -m real $(REAL)

test-telemetry: $(VENV)/.installed-dev ## genuine clients, a real Collector, object storage, Parquet, the mart: true totals (needs Go; for some npm)
	$(BIN)/python -m pytest -q -m real tests/real/test_telemetry.py

test-browser: $(VENV)/.installed-dev ## only the tests that drive a browser
	$(BIN)/python -m pytest -q -m 'browser and not slow' tests/browser

bench: $(VENV)/.installed-bench ## every benchmark; the tables go to docs/benchmarks.md
	$(BIN)/python -m benchmarks

bench-smoke: $(VENV)/.installed-dev ## every benchmark once, small: that they run
	$(BIN)/python -m benchmarks --smoke

docs: $(VENV)/.installed-docs ## the documentation site in build/site, strictly; it opens from its files
	$(BIN)/python -m docs.site.build build

dbt-docs: $(VENV)/.installed ## dbt's own pages of the demo's marts, with lineage: build/dbt/static_index.html
	LEDGERLINE_DBT_DUCKDB=data/demo/warehouse.duckdb $(BIN)/dbt docs generate --static --quiet \
	  --project-dir dbt_project --profiles-dir dbt_project --target-path build/dbt --log-path build/dbt

docs-pages: $(VENV)/.installed ## write the pages of docs/reference that are made from the code
	$(BIN)/python -m docs.site

clean: ## remove .venv, the demo and what tests left; an archive of your own stays
	rm -rf $(VENV) data/demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
