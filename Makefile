# The one runner: people, hooks and CI all call these targets. `make help` lists them.
#
# A machine needs Rust, Python >= 3.10 and make; `setup` puts everything else into .venv.
# PYTHON selects the interpreter; another one than last time makes .venv anew.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The interpreter behind PYTHON, also when that is the one in our own .venv: a check sum of its path, then the path.
FOUND       := $(shell $(PYTHON) -c 'import os, sys, zlib; p = os.path.realpath(sys._base_executable); \
                 sys.version_info >= (3, 10) and print(zlib.crc32((p + sys.version).encode()), p)' 2>/dev/null)
INTERPRETER := $(wordlist 2, 99, $(FOUND))
MADE        := $(VENV)/.made-by-$(firstword $(FOUND))
TOOLS       := $(VENV)/.tools
EXTENSION   := $(VENV)/.extension
PEERS       := target/peers/.made
PACKAGE     := target/package$(if $(WHEEL),-given)
OLDEST      := target/servers/.oldest

# What the compiled module is made from.
SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src -name '*.rs')

# maturin and clippy see the same interpreter, else each switch between them compiles pyo3 again.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PATH        := $(CURDIR)/$(BIN):$(PATH)

# Tests wait more than they work, so some run at once. ARGS="-n0 --pdb" debugs one.
PYTEST := $(BIN)/python -m pytest --numprocesses=3 --dist=worksteal

unexport CONDA_PREFIX PYTHONHOME PYTHONPATH

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(TOOLS) $(OLDEST) ## make .venv with the pinned tools and the real Temporal server, and fetch its oldest version

$(MADE):
	@test -n "$(INTERPRETER)" || { echo "\`$(PYTHON)\` is not Python 3.10 or newer; say make PYTHON=/path/to/python" >&2; exit 1; }
	rm -rf $(VENV)
	"$(INTERPRETER)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip==26.3
	@touch $@

$(TOOLS): $(MADE) pyproject.toml
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

# 60 MB; the versions between it and the newest are for `make compat` alone.
$(OLDEST): compat/versions.py $(TOOLS)
	$(BIN)/python -m compat.versions oldest
	@touch $@

.PHONY: build
build: $(EXTENSION) ## compile the extension as users get it (release) and install it, editable, into .venv

# One profile only: what tests, demo and benches load is what a wheel holds. `cargo test` has the debug assertions.
$(EXTENSION): $(TOOLS) $(SOURCES)
	PIP_QUIET=1 $(BIN)/maturin develop --release --locked
	@touch $@

.PHONY: format
format: $(TOOLS) ## format, and mend what the linters can mend
	cargo fmt
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: lint
lint: $(TOOLS) ## formatting, ruff, clippy, rustdoc: every warning is an error
	cargo fmt --check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets --features python -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps --document-private-items --features python

.PHONY: types
types: $(EXTENSION) ## mypy, and the stub of the extension against the extension
	$(BIN)/mypy
	MYPYPATH=python $(BIN)/python -m mypy.stubtest temporal_devserver._core

.PHONY: docs
docs: $(TOOLS) ## the documentation as a site, in target/site; a broken link is an error
	@if $(BIN)/python -c 'import material' 2>/dev/null; \
	  then NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -f site/mkdocs.yml; \
	  else echo "no site: it is made with Python 3.11 or newer"; fi

.PHONY: test
test: export TEMPORAL_DEVSERVER_TEST_PACKAGE = $(CURDIR)/$(PACKAGE)
test: setup lint docs test-rust types $(PACKAGE)/.made test-python ## everything CI checks; pytest last

# The long ones have many lives at once by themselves.
.PHONY: test-rust
test-rust: export RUST_TEST_THREADS = 2
test-rust: $(TOOLS) ## cargo test, the long ones too (no Python in it)
	cargo test --locked -- --include-ignored --skip _role

.PHONY: test-python
test-python: $(EXTENSION) $(OLDEST) ## pytest; ARGS="-k name -x" passes options on
	cargo build --quiet --locked --examples
	$(PYTEST) $(ARGS)

.PHONY: test-browser
test-browser: export TEMPORAL_DEVSERVER_REQUIRE_BROWSER = 1
test-browser: $(EXTENSION) ## the web interface in a real browser, which it installs from Debian's packages
	tests/browser install
	$(BIN)/python -m pytest tests/python/test_the_web_interface_shows_a_workflow_also_after_a_crash.py

.PHONY: test-package
test-package: export TEMPORAL_DEVSERVER_TEST_PACKAGE = $(CURDIR)/$(PACKAGE)
test-package: $(PACKAGE)/.made ## sdist, a wheel from it, and that wheel in an environment without Rust
	$(BIN)/python -m pytest tests/python/test_the_wheel_needs_no_rust.py

# The sdist's files are those just compiled, so cargo finds its work done. WHEEL=file tries that one instead.
$(PACKAGE)/.made: $(EXTENSION) $(WHEEL) README.md $(shell find python -name '*.py*')
	rm -rf $(PACKAGE)
	mkdir -p $(PACKAGE)
	$(if $(WHEEL),,CARGO_TARGET_DIR=target $(BIN)/maturin build --quiet --sdist --release --locked --out $(PACKAGE))
	$(BIN)/python -m venv --without-pip $(PACKAGE)/venv
	$(BIN)/python -m pip freeze --exclude temporal-devserver > $(PACKAGE)/constraints.txt
	PATH=/usr/bin:/bin $(BIN)/python -m pip --python $(PACKAGE)/venv install --quiet --only-binary :all: \
	  --constraint $(PACKAGE)/constraints.txt "$$(echo $(or $(WHEEL),$(PACKAGE)/*.whl))[server]" pytest
	@touch $@

.PHONY: wheel
wheel: $(TOOLS) ## dist/*.whl for glibc 2.17 or newer; TARGET=aarch64-unknown-linux-musl and the like for others
	$(BIN)/python -m pip install --quiet --group wheel
	$(BIN)/maturin build --release --locked --zig --out dist $(if $(TARGET),--target $(TARGET))

.PHONY: sdist
sdist: $(TOOLS) ## dist/*.tar.gz
	$(BIN)/maturin sdist --out dist

.PHONY: test-fast
test-fast: export RUST_TEST_THREADS = 4
test-fast: $(EXTENSION) $(OLDEST) ## all tests but the long ones, without lints and types; TIMES=20 runs them so often
	cargo build --quiet --locked --examples --tests
	for time in $$(seq $(or $(TIMES),1)); do \
	  cargo test --quiet --locked && $(PYTEST) --quiet -m 'not long' && echo "passed $$time of $(or $(TIMES),1)" || exit 1; \
	done

# The extension in .venv is another one afterwards, so the next target that needs it builds it again.
.PHONY: coverage
coverage: $(TOOLS) ## the lines that no test reaches, of Rust and of Python (16 minutes)
	cargo build --quiet --locked --examples
	rm -f $(EXTENSION)
	$(BIN)/python benches/measure_coverage.py $(ARGS)

.PHONY: sweep
sweep: $(TOOLS) ## every effect of supervisor and client goes wrong once, in seven ways, and says what was met (a part of `test`)
	cargo build --quiet --locked --examples
	cargo test --locked --test rust -- a_fault_at_any a_kill_at_any --include-ignored --skip _role --nocapture

.PHONY: chaos
chaos: $(EXTENSION) ## faults at random while workflows run; MINUTES=5 SEED=..., or TRACE=file to replay; OUT=folder
	$(BIN)/python -m chaos --seed "$(SEED)" --minutes "$(MINUTES)" --trace "$(TRACE)" --out "$(OUT)"

.PHONY: reliability
reliability: ## the table of docs/reliability.md, from the traces of all runs of `make chaos`
	$(BIN)/python -m chaos.report $(sort $(wildcard target/chaos/*.jsonl))

.PHONY: matrix
matrix: $(EXTENSION) ## the sample suites with the oldest and the newest pytest, pytest-asyncio and temporalio; PYTHONS=a:b names interpreters
	$(BIN)/python tests/matrix.py

.PHONY: compat
compat: $(EXTENSION) ## every supported version of the server, and each on the database of every other: docs/compatibility.md
	$(BIN)/python -m compat.versions
	cargo build --quiet --locked --examples
	$(BIN)/python -m pytest tests/python/test_every_version_of_the_server_is_supervised.py
	$(BIN)/python -m compat

.PHONY: demo
demo: $(EXTENSION) ## kill things and watch them heal
	$(BIN)/python examples/demo.py

.PHONY: bench
bench: $(EXTENSION) $(PEERS) ## measure what the documentation claims, against the peers; writes docs/benchmarks.md
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benches/run.py --keep

.PHONY: bench-growth
bench-growth: $(EXTENSION) ## how cost grows with servers, leases, namespaces, data, restarts; longer; ONLY=restarts for one of them
	cargo build --quiet --locked --examples
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benches/growth.py $(if $(ONLY),--only $(ONLY))

.PHONY: bench-guard
bench-guard: $(EXTENSION) ## fail where a ratio is clearly worse than accepted; ARGS=--accept accepts what is measured now
	$(BIN)/python benches/guard.py $(ARGS)

$(PEERS): pyproject.toml
	$(BIN)/python -m venv target/peers
	target/peers/bin/python -m pip install --quiet --disable-pip-version-check pip==26.3
	target/peers/bin/python -m pip install --quiet --group peers
	@touch $@

.PHONY: experiment
experiment: $(TOOLS) ## does a Rust runtime in the host still hang and crash? (0 failures reopen the decision)
	experiments/host-runtime/run

.PHONY: licenses
licenses: ## every crate compiled for the wheel, with its licence
	@cargo tree --locked --features python --edges normal --prefix none --format '{p} {l}' | sed 's/ (\*)$$//' | sort -u

.PHONY: audit
audit: $(TOOLS) ## known vulnerabilities of what is depended on; needs the network (or CARGO_AUDIT="--db FOLDER --no-fetch")
	cargo install --quiet --locked --root target/tools cargo-audit@0.22.2
	target/tools/bin/cargo-audit audit $(CARGO_AUDIT)
	test -d target/tools/pip-audit || $(BIN)/python -m venv target/tools/pip-audit
	target/tools/pip-audit/bin/pip install --quiet pip-audit==2.10.1
	target/tools/pip-audit/bin/pip-audit --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: ci
ci: export TEMPORAL_DEVSERVER_REQUIRE_REAL_SERVER = 1
ci: ## as test, but a missing real server is a failure, and a browser is installed where the machine lets us
	tests/browser install || echo "NOT TESTED: the web interface in a browser" >&2
	$(MAKE) test bench-guard

.PHONY: clean
clean: ## remove everything that was made
	rm -rf target .venv dist .mypy_cache .pytest_cache .ruff_cache experiments/host-runtime/target
	rm -f python/temporal_devserver/*.so
	find python tests examples benches chaos experiments -name __pycache__ -prune -exec rm -rf {} +
