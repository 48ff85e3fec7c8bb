# Two commands do everything on a fresh machine that has Python 3.11 or newer:
#   make reproduce    environment, install, data, all seven problems, one report
#   make test         environment, install, the whole test suite
#   make stress       a thousand kills, ten million broken inputs, all hostile arguments; hours, and ends by itself
# Settings: PRESET=full, ARGS="--problems 1,2", PYTHON=python3.12, VENV=/elsewhere/venv,
# TORCH_INDEX=https://download.pytorch.org/whl/cpu (torch without CUDA, where there is no GPU),
# CHAINRULE_DATA=/folder/with/data (a folder ../shared/data is used where there is one).

PYTHON ?= python3
VENV ?= .venv
PRESET ?= quick
BIN := $(VENV)/bin
NEIGHBOUR := $(wildcard ../shared/data)
ifndef CHAINRULE_DATA
ifneq ($(NEIGHBOUR),)
export CHAINRULE_DATA := $(abspath $(NEIGHBOUR))
endif
endif

.PHONY: help reproduce test stress check format clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

reproduce: $(VENV)/.installed
	$(BIN)/chainrule reproduce --preset $(PRESET) $(ARGS)

# one worker per core; each keeps to one OpenMP thread, and where a test wants two they do not spin while they wait, so that
# workers do not fight over the cores
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

stress: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.stress.kills --kills 1000 --seconds 3600
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.stress.fuzz --inputs 10000000
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.stress.arguments

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "chainrule needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch: | $(VENV)/bin/python
ifdef TORCH_INDEX
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch>=2.6,<2.14' --index-url $(TORCH_INDEX)
endif
	touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(VENV)/.installed $@
