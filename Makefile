# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each makes the virtual environment that it needs, and does nothing twice.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
DEMO := demo
# One thread in each of two workers keeps two cores busy; more of either only wait for each other.
WORKERS ?= 2
PYTEST_ARGS ?=

.PHONY: demo test test-lowest setup clean help

help:
	@echo "make demo         set up, then phantom -> train -> segment -> evaluate -> $(DEMO)/"
	@echo "make test         set up, then run the tests"
	@echo "make test-lowest  the tests of the package again, with the oldest dependencies"
	@echo "make setup        set up only, with the tools of a developer"
	@echo "make clean        remove the virtual environment"

demo: $(VENV)/.base
	$(BIN)/gyrovox demo -o $(DEMO) --overwrite
	@echo
	@echo "Open $(DEMO)/report.html in a browser. To look through the segmentation:"
	@echo "    $(BIN)/gyrovox view $(DEMO)"

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# The lower ends of the ranges in pyproject.toml. Old versions may warn; that is no fault of ours.
test-lowest: $(LOWEST)/.lowest
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -n $(WORKERS) -o filterwarnings=default \
		--ignore=tests/architecture --ignore=tests/docs $(PYTEST_ARGS)

setup: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The stamps are newer than what they were made from only where the installation went well.
$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[web]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.base

$(LOWEST)/.lowest: pyproject.toml constraints-lowest.txt
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet -c constraints-lowest.txt -e ".[bench,cluster]" \
		beartype geoopt hypothesis mpmath ome-zarr-models pytest pytest-xdist
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST)
