# Everything a newcomer needs: `make demo` and `make test` set up what they use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check lint types imports faults bench constraints clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The main job on the example: no credentials, no network.
demo: $(VENV)/installed
	@$(BIN)/upheld check -c examples/marktbruecke/upheld.yaml --estate examples/marktbruecke/estate --max-age 0; \
	code=$$?; echo; echo "exit code $$code (1: at least one promise is broken)"; test $$code -eq 1

# Everything but the long harnesses.
test: $(VENV)/installed
	$(BIN)/python -m pytest -q

check: $(VENV)/installed lint types imports
	$(BIN)/upheld rules test

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed
	$(BIN)/mypy

imports: $(VENV)/installed
	$(BIN)/lint-imports

# 10,000 injected faults, every rule: about five minutes.
faults: $(VENV)/installed
	$(BIN)/python -m tests.faults.soundness --cases 10000

bench: $(VENV)/installed
	$(BIN)/python -m tests.bench.collect
	$(BIN)/python -m tests.bench.judge

# Pins with hashes and without index URLs, for every supported Python.
constraints:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--group dev --output-file constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) build dist
