# Daily commands. `make help` lists them; each does its own set-up, so a fresh clone needs no other step.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .tools/bin
export PATH := $(CURDIR)/$(TOOLS):$(PATH)

.DEFAULT_GOAL := help

##@ Use
.PHONY: run
run: $(VENV)/.runtime assets ## Serve the demo region at http://127.0.0.1:8080
	$(BIN)/python app.py demo

.PHONY: demo-archive
demo-archive: $(VENV)/.dev assets ## Serve the demo with a real archive (Orthanc behind nginx) beside it
	.ci/system-packages nginx-light orthanc orthanc-dicomweb
	$(BIN)/python app.py demo --archive

##@ Develop
.PHONY: dev
dev: $(VENV)/.dev ## Install everything the tests and linters need from PyPI

.PHONY: assets
assets: governance/console/static/vendor/.stamp ## Fetch the NHS design system's styles and scripts

.PHONY: opa
opa: ## Find OPA on the PATH or build the pinned version
	.ci/opa.sh

.PHONY: lint
lint: $(VENV)/.dev ## Format check, lint, types, import contract, security lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r governance app.py

.PHONY: format
format: $(VENV)/.dev ## Rewrite to the house's format
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

.PHONY: test
test: $(VENV)/.dev assets system opa lint ## Run every test; installs the real peers they need
	.ci/tests

.PHONY: test-quick
test-quick: $(VENV)/.dev ## Run the tests that need no other program
	.ci/tests -m "not peer"

.PHONY: bench
bench: $(VENV)/.dev opa ## Run the side-by-side measurements; each prints a ratio
	.ci/system-packages wrk
	$(BIN)/python -m benchmarks

.PHONY: docs
docs: $(VENV)/.runtime ## Write the pages that come from declarations: docs/settings.md, docs/detectors.md
	$(BIN)/python app.py settings > docs/settings.new
	mv docs/settings.new docs/settings.md
	$(BIN)/python -m governance.detection.handbook > docs/detectors.new
	mv docs/detectors.new docs/detectors.md

.PHONY: lock
lock: $(VENV)/.dev ## Compile the pinned, hashed requirement files from their short lists
	$(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links requirements-dev.in -o requirements-dev.txt

.PHONY: system
system: ## Install the real programs the tests run against (Debian packages)
	.ci/system-packages chromium curl nginx-light orthanc orthanc-dicomweb pgbouncer postgresql prometheus

.PHONY: clean
clean: ## Remove what set-up made, the demo's data too
	rm -rf $(VENV) .tools .demo node_modules governance/console/static/vendor

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@

governance/console/static/vendor/.stamp: package.json package-lock.json | $(VENV)/.runtime
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	$(BIN)/python -m governance.console.assets
	@touch $@
