# Every target makes the virtual environment it needs; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
UV := PYTHONPATH=.bootstrap UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 $(PYTHON) -m uv
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help venv demo serve test test-unit lint format types docs bench check wheel lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# uv makes the environment: it also works where Debian ships Python without venv or blocks pip.
.bootstrap/.stamp: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit("railway_saas needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@rm -rf .bootstrap
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes --target .bootstrap -r requirements/bootstrap.txt
	@touch $@

.venv/.stamp: .bootstrap/.stamp requirements/dev.txt pyproject.toml
	@echo "Preparing .venv ..."
	@test -x $(BIN)/python || $(UV) venv --quiet --clear --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# A virtual environment that was moved, or whose Python is gone, is as good as missing.
ifneq ($(wildcard .venv/.stamp),)
ifneq ($(shell $(BIN)/python -c 'print(1)' 2>/dev/null),1)
$(shell rm -f .venv/.stamp; rm -rf .venv)
endif
endif

venv: .venv/.stamp ## Make or refresh the virtual environment

demo: .venv/.stamp ## Play the SDK, then the platform over HTTP: embedded, and on PostgreSQL and Redis
	@$(BIN)/python examples/demo.py
	@$(BIN)/python examples/platform_demo.py
	@$(BIN)/python scripts/with_services.py --or-skip $(BIN)/python examples/platform_demo.py --full

serve: .venv/.stamp ## Run the whole platform on this machine, over an emulated Railway
	@$(BIN)/railway-saas-server serve

test: .venv/.stamp ## Run the whole test suite
	@$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS)

test-unit: .venv/.stamp ## Run the pure tests only (a few seconds)
	@$(BIN)/python -m pytest -q tests/unit

lint: .venv/.stamp ## Style, import rules, and that generated files are up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/unasync.py --check
	@$(BIN)/python scripts/check_locks.py

format: .venv/.stamp ## Rewrite the code in the house style and regenerate what is generated
	@$(BIN)/python scripts/unasync.py
	@$(BIN)/python scripts/configuration_page.py
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

types: .venv/.stamp ## mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/basedpyright

docs: .venv/.stamp ## Build the documentation; warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: .venv/.stamp ## Measure against the alternatives, side by side in one run
	@$(BIN)/python -m benchmarks

wheel: .venv/.stamp ## Build the wheel, install it bare in an empty environment, import it
	@$(BIN)/python scripts/check_wheel.py

check: lint types test docs wheel ## Everything CI wants

lock: .bootstrap/.stamp ## Renew the lock files from pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' requirements/bootstrap.in -o requirements/bootstrap.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' pyproject.toml --extra all --group test --group check --group docs --group bench -o requirements/dev.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' --constraint requirements/dev.txt pyproject.toml requirements/build.in --extra server -o requirements/server.txt

clean: ## Remove what the targets made
	@rm -rf .venv .bootstrap build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
