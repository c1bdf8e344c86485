# `make run` and `make test` set up everything themselves (see .ci/setup); nothing else is needed first.
#   PYTHON  interpreter for the virtual environment (python3)      VENV  where that environment lies (.venv)
#   OUT     where `make run` leaves its results without a display (demo)
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
OUT ?= demo
export PYTHON VENV OUT

.DEFAULT_GOAL := help
.PHONY: help run test lint docs bench

help:  ## show this list
	@echo "temgrains: grain boundaries in TEM micrographs. Targets:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run:  ## open napari with a sample and the plugin; without a display, leave pictures and tables in demo/
	@.ci/setup
	@.ci/demo

test:  ## run all checks: lint, types, import contracts, core tests, GUI tests
	@.ci/setup
	@.ci/check

lint:  ## run ruff, mypy and the import contracts only
	@.ci/setup
	@.ci/check lint types contracts

docs:  ## build the documentation into site/, warnings are errors
	@.ci/setup app,formats,reports,train,matlab,test,docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --config-file .mkdocs.yml
	@echo "The documentation lies in site/index.html"

bench:  ## measure speed as ratios against plain scipy and scikit-image; fails below the targets
	@.ci/setup
	@.ci/bench
