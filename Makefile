# make setup | demo | test | check | fix | bench
# Every target sets itself up: Python 3.11+, make and a package index are all that a machine needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test check lint types imports fix bench clean
setup: .venv/.ready

# uv installs three times faster; plain pip with the same constraints serves where uv cannot be had.
.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ProTrek-HM needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	( $(BIN)/pip install --quiet uv && \
	  UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]' -c constraints.txt ) \
	|| $(BIN)/pip install --quiet -e '.[dev]' -c constraints.txt
	touch $@

demo: setup
	$(BIN)/protrek-hm demo -o demo --force

test: setup
	$(BIN)/pytest -n 2 --dist worksteal

check: lint types imports test

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv demo
