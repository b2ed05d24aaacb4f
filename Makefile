# Everything needs only Python 3.11 or newer, make and git. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Sums come out alike on every x86-64 processor with AVX2, and so do the weights that are learned: no kernel of a newer one is used.
SAME_SUMS := OPENBLAS_CORETYPE=Haswell NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"

.DEFAULT_GOAL := help
.PHONY: help demo test check bench train soak clean lock reference

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "inboxd needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV): about a minute the first time ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## run the real daemon against mail servers of its own and watch a fortnight of support
	@$(BIN)/inboxd demo $(ARGS)

test: $(STAMP) ## install and run all tests, on all cores
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(STAMP) ## lint, types, import contracts, the shipped rules and their tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/inboxd check --rules rules
	$(BIN)/inboxd test --rules rules
	$(BIN)/inboxd eval --check

bench: $(STAMP) ## measure, next to the raw limit, and write bench.json
	@$(BIN)/python -m bench $(ARGS)

train: $(STAMP) ## train the shipped model anew from inboxd/corpus (about three minutes; the same corpus gives the same weights)
	@$(SAME_SUMS) $(BIN)/python -m inboxd.adapters.nlp.make $(or $(DATE),$(shell date +%F))

soak: $(STAMP) ## kill, cut and renumber on Dovecot and Cyrus for a quarter of an hour, then count every mail
	@$(BIN)/python -m tests.fire.matrix --server dovecot $(ARGS)
	@$(BIN)/python -m tests.fire.matrix --server cyrus $(ARGS)
	@INBOXD_CUTS=150 $(BIN)/python -m pytest -s tests/fire/test_cuts.py

reference: $(STAMP) ## write the word tables of the reference and the JSON Schemas of rule files anew
	$(BIN)/python -m tools.write_rules_reference

lock: ## write requirements.lock anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --no-emit-index-url --no-header -o requirements.lock pyproject.toml requirements-build.in

clean: ## remove what was made here
	rm -rf $(VENV) demo-out bench.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
