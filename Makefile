# The two commands: `make demo` does the main job on real parts, `make test` runs every test. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PORT_BASE ?= 7443
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

# ---- set-up: each stamp is older than what it is made from only when something changed
build/.system: scripts/bootstrap.sh
	@mkdir -p build
	@bash scripts/bootstrap.sh
	@touch $@

build/.python: requirements.lock pyproject.toml build/.system
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: setup native
setup: build/.python native  ## system packages, Python packages from the lock, C modules
native: build/.system  ## our two PKCS#11 modules, under build/native/
	@$(MAKE) --no-print-directory -C hsm native

# ---- the main job
.PHONY: demo serve
demo: setup  ## the main job, end to end, on real parts
	@$(BIN)/python -m demo --port-base $(PORT_BASE)
serve: setup  ## keeps the demo appliance up (PORT_BASE=… moves its ports)
	@$(BIN)/python -m demo.serve --port-base $(PORT_BASE)

# ---- proof
.PHONY: test check lint types imports soak fuzz bench
test: setup  ## all tests, none skipped (T=path narrows)
	@$(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile $(T)
soak: setup  ## the long forms of the tests
	@$(BIN)/python -m pytest -m soak --timeout 3600 $(T)
FUZZ_SECONDS ?= 3600
fuzz: setup  ## coverage-guided fuzzers one after the other (FUZZ_SECONDS=… for each); findings in build/fuzz
	@for target in verifier cms seal; do \
	  $(BIN)/python -m tests.fuzz.fuzzing $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; done
bench: setup  ## one table of ratios, build/bench.json (ONLY=name runs one)
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))
.PHONY: sbom licences prove-image prove-bare-root
sbom: setup  ## bill of materials of a production installation, build/sbom.cdx.json (CycloneDX)
	@$(BIN)/python scripts/make_sbom.py $(ARGS)
prove-image: setup  ## builds deploy/Dockerfile without an engine and shows what it holds (root; minutes)
	@bash scripts/prove_image.sh
prove-bare-root:  ## make demo in a fresh Debian 12 root (root; minutes; ARGS=--test: make test, too)
	@bash scripts/prove_bare_root.sh $(ARGS)
check: setup lint types imports  ## lint, types, import directions, generated code
	@bash scripts/check_generated.sh
lint:
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
types:
	@$(BIN)/mypy
imports:
	@$(BIN)/lint-imports --no-cache

# ---- made by machine, checked in
.PHONY: protos lock format clean
protos: setup  ## generates signer/v1 from protos/
	@bash scripts/generate_protos.sh .
lock:  ## pins every Python package with its hash
	@$(BIN)/uv pip compile --quiet --all-extras --generate-hashes --no-header --no-annotate --python-version 3.11 --allow-unsafe pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --constraint requirements.lock --generate-hashes --no-header --no-annotate --python-version 3.11 --allow-unsafe pyproject.toml -o requirements-production.lock
	@echo setuptools | $(BIN)/uv pip compile --quiet --constraint requirements.lock --generate-hashes --no-header --no-annotate --python-version 3.11 --allow-unsafe - -o requirements-build.lock
licences: setup  ## docs/licences.md
	@$(BIN)/python scripts/make_licences.py > docs/licences.md
format:
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
clean:  ## everything that was built; the demo appliance with it
	@rm -rf build $(VENV)
