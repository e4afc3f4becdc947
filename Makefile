# `make demo` and `make test` need nothing but Python >= 3.11 with venv, and make.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
BACKENDS ?= .venv-backends
ECOSYSTEM ?= .venv-ecosystem
# What pip installs as PyTorch, such as TORCH=torch==2.13.0.
TORCH ?= torch
BIN := $(VENV)/bin
OUT ?= skmnist-report
# Tests run in as many processes as there are cores, each with one TensorFlow thread pool.
# The tests of a file share what is compiled, so one process runs them all.
WORKERS ?= auto
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-fast test-oldest test-backends test-ecosystem dist-test lint format \
	docs linkcheck clean

demo: $(VENV)/.package
	$(BIN)/skmnist diagnose --out $(OUT) --overwrite

test: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" tests

# In an environment of its own, with the lower bounds of pyproject.toml.
test-oldest: $(OLDEST)/.oldest
	$(OLDEST)/bin/python -m pytest $(PARALLEL) tests

# On JAX and on PyTorch, also if tests fail on the first. The cache on disk spares JAX to
# compile in each worker what another one has compiled.
test-backends: $(BACKENDS)/.backends
	failed=0; for backend in jax torch; do \
		KERAS_BACKEND=$$backend \
		JAX_COMPILATION_CACHE_DIR=$(CURDIR)/$(BACKENDS)/jax-cache \
		JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
		$(BACKENDS)/bin/python -m pytest $(PARALLEL) tests || failed=1; \
	done; exit $$failed

# Against the packages that docs/ecosystem.rst names, in an environment of its own.
test-ecosystem: $(ECOSYSTEM)/.ecosystem
	$(ECOSYSTEM)/bin/python -m pytest tests/ecosystem

# Builds the distributions, checks them, and tests the installed wheel without the sources.
dist-test:
	$(PYTHON) tools/dist_test.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Runs the examples of the gallery that have changed; after `make clean`, all of them.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Needs a network.
linkcheck: $(VENV)/.docs
	$(BIN)/python -m sphinx -b linkcheck docs docs/_build/linkcheck

clean:
	rm -rf $(VENV) $(OLDEST) $(BACKENDS) $(ECOSYSTEM) $(OUT) docs/_build docs/api/generated \
		docs/auto_examples docs/sg_execution_times.rst build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.package: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(OLDEST)/.oldest: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --editable ".[test]" --constraint tests/oldest.txt
	touch $@

$(BACKENDS)/.backends: pyproject.toml
	$(PYTHON) -m venv $(BACKENDS)
	$(BACKENDS)/bin/python -m pip install --quiet --editable ".[test,jax,torch]" "$(TORCH)"
	touch $@

$(ECOSYSTEM)/.ecosystem: pyproject.toml
	$(PYTHON) -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/python -m pip install --quiet --editable ".[test,ecosystem]"
	touch $@
