# The only commands a newcomer needs: make run, make test, make bench.

# Cargo's output lies outside the clone, so that a second clone or run is warm.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
export CARGO_TARGET_DIR ?= $(CACHE)/headgate/target

APT := $(if $(filter 0,$(shell id -u)),,sudo )apt-get

.PHONY: run test bench compiler python

# Builds the terminal command and makes a lake of the sample day.
run: compiler
	@echo "Building headgate; the first time this takes about ten minutes on two cores."
	@begun=$$(date +%s); cargo build --locked --bin headgate && \
		echo "Built in $$(( $$(date +%s) - begun )) s."
	@$(CARGO_TARGET_DIR)/debug/headgate demo

# Runs every check and closes with one count over all of them.
test: compiler python
	@python3 tests/check.py

# Compares with hand-written peers and with its own stages; leaves bench/report.md.
bench: compiler python
	@python3 tests/bench/run.py

compiler:
	@command -v cc >/dev/null || { echo "Installing a C compiler with apt, about a minute."; \
		$(APT) update -qq && $(APT) install -y -qq --no-install-recommends build-essential; }

python:
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "Installing python3-venv with apt, half a minute."; \
		$(APT) update -qq && $(APT) install -y -qq --no-install-recommends python3-venv; }
