# `make demo` and `make test` set everything up by themselves: a virtual environment in .venv (or VENV=…) with
# Python 3.10 to 3.13 (or PYTHON=…), and the project installed into it from this folder. On Linux or macOS.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.10 python3; do \
	"$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo "$$p" && break; done)
BIN := $(VENV)/bin
READY := $(VENV)/.mot_anon-$(shell pwd | cksum | cut -d' ' -f1)

.PHONY: demo test setup lint clean

demo: $(READY)  ## anonymize the embedded demo, track before and after, print the table
	$(BIN)/python -m mot_anon.evaluate --seq demo --method pixelate

test: $(READY)  ## everything that can be tested on this machine
	$(BIN)/python -m pytest

setup: $(READY)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# One marker for each folder that was installed into the environment, so that a shared one follows the checkout.
$(READY): setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.10 to 3.13 found; say which with PYTHON=…" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=23" "setuptools>=64" wheel
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	touch $(READY)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
