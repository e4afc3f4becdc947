# `make demo` and `make test` need nothing but Python >= 3.11 with venv, and make.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
BIN := $(VENV)/bin
OUT ?= skmnist-report
# Tests run in as many processes as there are cores, each with one TensorFlow thread pool.
WORKERS ?= auto

.PHONY: demo test test-fast test-oldest lint format docs clean

demo: $(VENV)/.package
	$(BIN)/skmnist diagnose --out $(OUT) --overwrite

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow" tests

# In an environment of its own, with the lower bounds of pyproject.toml.
test-oldest: $(OLDEST)/.oldest
	$(OLDEST)/bin/python -m pytest -n $(WORKERS) --dist loadgroup tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) $(OLDEST) $(OUT) docs/_build docs/api/generated build dist
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
