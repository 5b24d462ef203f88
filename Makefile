# The two that matter: `make train` and `make test`. Each sets up .venv when it is missing.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help train test test-slow lint format docs tensorboard bench gpu-check clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

train: $(READY)  ## set up, then train a labelled DCGAN on the embedded digits
	$(BIN)/gan-train

test: $(READY)  ## set up, then run all tests but the slow ones
	$(BIN)/pytest -n 2 --dist loadfile -m 'not slow'

test-slow: $(READY)  ## set up, then run the slow ones
	$(BIN)/pytest -m slow

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## let ruff rewrite what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)  ## build the documentation into build/site, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml

tensorboard: $(READY)  ## look at the runs in outputs/
	$(BIN)/tensorboard --logdir outputs --samples_per_plugin images=100

bench: $(READY)  ## measure speed, memory and starts; the table goes into docs/performance.md
	$(BIN)/python benchmarks/bench.py --page docs/performance.md

gpu-check: $(READY)  ## on a machine with a GPU: does all of it work there? eight minutes
	$(BIN)/python benchmarks/gpu_check.py

clean:  ## remove .venv and caches; runs in outputs/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@
