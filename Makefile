# Verbs for people and for CI. Each sets itself up first; `make setup` is quick when all is in place.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
PYTEST := -m pytest -q -n 2 --dist loadfile

help: ## Show the verbs
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Debian packages, uv, the locked environment in .venv
	@scripts/setup

demo: setup ## The whole story on this machine, in under three minutes
	@.venv/bin/strangler demo

test: setup ## All tests but the slow ones, on 3.11 and, where there is one, on 3.13
	$(PY) $(PYTEST) -m "not slow"
	@scripts/test-3.13

test-slow: setup ## What takes long: the demo as a test, crashes, large bodies
	$(PY) -m pytest -q -m slow

check: setup ## Lint, types, import directions
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup ## Figures beside their peers: make bench ONLY=name runs one
	$(PY) -m benchmarks $(ONLY)

tamper: setup ## Manipulate a ledger in 10,000 ways: each must be found
	$(PY) -m tests.proofs.tamper

sabotage: setup ## Give the gates no evidence, wrong, stale and lying evidence: none must pass
	$(PY) -m tests.proofs.sabotage

fuzz: setup ## Bodies that nobody would think of, for every reader: make fuzz TARGET=xml SECONDS=600
	$(PY) -m fuzz $(or $(TARGET),all) --seconds $(or $(SECONDS),60)

docs: setup ## Make the reference pages anew from the code
	$(PY) -m docs.generate

lock: setup ## Make the lock files anew
	uv pip compile -q --universal --generate-hashes --no-emit-index-url -p 3.11 pyproject.toml -o requirements/app.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url -p 3.11 pyproject.toml --extra envoy --group dev -c requirements/app.txt -o requirements/dev.txt

.PHONY: help setup demo test test-slow check bench fuzz tamper sabotage docs lock
