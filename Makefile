# Everything a newcomer needs: `make demo` and `make test` set up what they use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet

.PHONY: demo test check laws faults network netfilter fuzz log-kills kills io-errors tampering soak spark bench constraints clean

# The program itself.
$(VENV)/program: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) --require-hashes -r constraints.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

# What tests and checks need beside it.
$(VENV)/tools: $(VENV)/program constraints-dev.txt
	$(PIP) --require-hashes -r constraints-dev.txt
	touch $@

# Programs that the tests run for real, from the system's packages: `command:package`.
PROGRAMS := systemd-analyze:systemd faketime:faketime ip:iproute2 nft:nftables nginx:nginx openssl:openssl pg_ctlcluster:postgresql java:openjdk-17-jre-headless strace:strace
$(VENV)/programs: Makefile
	@lacking=$$(for one in $(PROGRAMS); do command -v $${one%%:*} > /dev/null || PATH=$$PATH:/usr/sbin command -v $${one%%:*} > /dev/null || echo $${one##*:}; done); \
	if [ -n "$$lacking" ]; then \
		root=$$([ "$$(id -u)" -eq 0 ] || echo sudo); \
		$$root apt-get update -qq && $$root apt-get install -y -qq --no-install-recommends $$lacking > /dev/null; \
	fi
	@mkdir -p $(VENV) && touch $@

# The main job on the example: no credentials, no network.
demo: $(VENV)/program
	@$(BIN)/upheld check -c examples/marktbruecke/upheld.yaml --estate examples/marktbruecke/estate --max-age 0; \
	code=$$?; echo; echo "exit code $$code: at least one promise is broken"; test $$code -eq 1

# Everything but the long harnesses. One process more than there are cores: an agent's tests mostly wait. They begin hundreds of others,
# which are to find compiled what they import, whatever the environment says. To make asserts telling takes as long as all else that is
# done before the first test: so that is done only where one fails, which is run again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q
test: $(VENV)/tools $(VENV)/programs
	$(PYTEST) --assert plain --numprocesses $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder || { $(PYTEST) --last-failed --last-failed-no-failures none; exit 1; }

check: $(VENV)/tools
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports > /dev/null
	$(BIN)/upheld rules test

# The property tests with 40 times as many examples.
laws: $(VENV)/tools
	$(BIN)/python -m pytest -q --numprocesses auto --hypothesis-profile thorough -m hypothesis --timeout 3600 tests/checks tests/agent

# Injected faults. AWS: 10,000 cases, 200 more through the proxy with real retries. Azure: 12,000, and 400 over TLS.
faults: $(VENV)/tools
	$(BIN)/python -m tests.faults.soundness
	$(BIN)/python -m tests.faults.azure --cases 12000 --live 400

# 100,000 packets through the prover and the simulators; estates with one part after the other not seen; 10,000 real connections through Linux netfilter (as root).
network: $(VENV)/tools
	$(BIN)/python -m tests.network.exactness
	$(BIN)/python -m tests.network.unseen
netfilter: $(VENV)/tools $(VENV)/programs
	$(BIN)/python -m tests.network.netfilter

# A million odd inputs for the parsers of what TLS servers send.
fuzz: $(VENV)/tools
	$(BIN)/python -m tests.fuzz.tls

# 1,000 processes killed while they record runs; every write, sync and opening of the ledger failing once; 1,000 changes to a
# sealed ledger, each to be found.
kills: $(VENV)/tools
	$(BIN)/python -m tests.ledger.kills
io-errors: $(VENV)/tools $(VENV)/programs
	$(BIN)/python -m tests.ledger.io_errors
tampering: $(VENV)/tools
	$(BIN)/python -m tests.ledger.tampering

# A reader of logs and its counters, killed a hundred times; takes the better part of an hour where the machine has other work.
log-kills: $(VENV)/tools
	$(BIN)/python -m tests.logs.kills

# A day of the agent in minutes: as many runs, with its memory and file descriptors watched.
soak: $(VENV)/tools
	$(BIN)/python -m tests.soak.agent_day

# Thousands of conditions over rows, and all shipped rules, on a standalone cluster of Spark beside the CEL runtime and DuckDB.
spark: $(VENV)/tools $(VENV)/programs
	$(BIN)/python -m tests.logs.spark

# Beside Prowler and sslyze, which are installed into build/ on the first run.
bench: $(VENV)/tools
	$(BIN)/python -m tests.bench.collect --scale 1
	$(BIN)/python -m tests.bench.collect --scale 5
	$(BIN)/python -m tests.bench.azure
	$(BIN)/python -m tests.bench.denied
	$(BIN)/python -m tests.bench.denied --kind throttle
	$(BIN)/python -m tests.bench.judge
	$(BIN)/python -m tests.bench.personal
	$(BIN)/python -m tests.bench.ledger
	$(BIN)/python -m tests.bench.changes
	$(PIP) --require-hashes -r constraints-bench.txt
	$(BIN)/python -m tests.bench.network
	$(BIN)/python -m tests.bench.logs
	$(BIN)/python -m tests.bench.tls

# Pins with hashes and without index URLs, for every supported Python; needs uv.
PINS := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
constraints:
	$(PINS) --group build -o constraints.txt pyproject.toml
	$(PINS) --group dev -c constraints.txt -o constraints-dev.txt pyproject.toml
	$(PINS) --group bench -c constraints-dev.txt -o constraints-bench.txt pyproject.toml

clean:
	rm -rf $(VENV) build dist
