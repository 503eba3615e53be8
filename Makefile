# Everything runs from .venv, which the first target that needs it makes: Python 3.11 is all that has to be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
ARGS ?=
# Downloads, checkpoints and labels of `make model`: three hours of work, which `make clean` leaves alone.
WORK ?= .model

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench chaos teacher model clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: $(INSTALLED) ## make .venv with the worker and its tools, at tested versions

demo: $(INSTALLED) ## see the worker at work, no Kafka needed; ARGS=--keep leaves it running for send and watch
	@$(BIN)/sentiment-worker demo $(ARGS)

test: $(INSTALLED) ## run the tests, those on a real Kafka if Docker is there; ARGS="-k ledger" for some
	@$(BIN)/python -m pytest $(ARGS)

check: $(INSTALLED) ## lint, format, types and import directions, as CI does
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(INSTALLED) ## measure the worker against its ceilings on a real Kafka; needs Docker
	@$(BIN)/python -m bench.intake $(ARGS)

chaos: $(INSTALLED) ## attack workers on a real Kafka and count every event; ARGS="--minutes 10 --seed 7 --workers 3"; needs Docker
	@PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

teacher: $(INSTALLED) ## train the bundled classifier's teacher in .model; half an hour or more on two cores
	@$(BIN)/python -m recipes.bundled.recipe --work $(WORK) --teacher-only $(ARGS)

model: $(INSTALLED) ## make the bundled classifier anew in .model, its teacher first; three hours on two cores, and it can be resumed
	@$(BIN)/python -m recipes.bundled.recipe --work $(WORK) $(ARGS)

clean: ## remove .venv and what tools left behind
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Installing into $(VENV), once; PyTorch is large, so this takes some minutes ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --editable . --group dev
	@touch $@
