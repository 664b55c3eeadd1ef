# Two commands matter: `make demo` and `make test`. Each sets up what it needs.
BIN := .venv/bin
# A bare `import datasets` from the checkout must not find our folder (see CONTRIBUTING.md).
export PYTHONSAFEPATH = 1
# Neither onnxruntime nor Ray reports usage, whatever a test imports first (see models/__init__.py).
export ORT_DISABLE_TELEMETRY = 1
export RAY_USAGE_STATS_ENABLED = 0
export RAY_USAGE_STATS_REPORT_URL = http://127.0.0.1:9/
# Networks and OpenCV share few cores here: one thread each unless told otherwise.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-long test-javascript lint lint-javascript format types bench-check lock audit sbom setup setup-tests setup-tools setup-node clean

demo: setup          ## one registration verified by the real service; leaves build/demo-verdict.json
	@mkdir -p build && $(BIN)/idproof demo --out build/demo-verdict.json

test: setup-tests test-javascript ## the whole test suite, on two processes
	@$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile

test-long: setup-tests ## the checks that take minutes
	@$(BIN)/python -m pytest -m long

bench-check: setup   ## a small standard run, held to benchmarks/gate/expected.toml
	@$(BIN)/idproof bench check --workers 2

lint: setup types lint-javascript ## style, types, and the rules between the rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

lint-javascript: setup setup-node
	@$(BIN)/python .ci/generate_protocol.py --check
	@cd service/capture && npm run --silent lint && npm run --silent types

test-javascript: setup-node
	@cd service/capture && npm test --silent

types: setup
	@sh .ci/types $(BIN)/mypy

format: setup
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

# UPGRADE='--upgrade-package NAME' or --upgrade takes newer versions.
lock: setup-tools    ## locks/*.txt anew from pyproject.toml
	@sh .ci/lock $(UPGRADE)

# REQUIRED=--required fails where nothing can be compared.
audit: setup-tools   ## the locked packages against the index's list of known vulnerabilities
	@.venv/tools/bin/python .ci/audit.py $(REQUIRED)

sbom: setup setup-tools ## build/sbom.cdx.json: what the service consists of
	@.venv/tools/bin/python .ci/sbom.py

setup-node:
	@sh .ci/node

setup-tools:
	@sh .ci/tools

setup:
	@sh .ci/setup

setup-tests:
	@sh .ci/setup tests

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
