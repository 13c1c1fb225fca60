# The only commands a newcomer needs: make run, make test, make bench. Before a release: make audit.

# Cargo's output lies outside the clone, so that a second clone or run is warm.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
export CARGO_TARGET_DIR ?= $(CACHE)/headgate/target

APT := $(if $(filter 0,$(shell id -u)),,sudo )apt-get
INSTALL := $(APT) update -qq && $(APT) install -y -qq --no-install-recommends

# What only `make audit` needs, built once.
TOOLS := $(CACHE)/headgate/tools
DENY := 0.20.2

.PHONY: run test soak bench audit page clone compiler libraries browsers python java node deny

# Opens the window; where there is no display, makes a lake of the sample day in the terminal. What it
# does stays in a data folder of its own, unless HEADGATE_DATA names one. An example is built with each,
# because cargo then chooses the same features as for the tests, and compiles nothing twice.
run: compiler clone
ifeq ($(DISPLAY)$(WAYLAND_DISPLAY),)
	@echo "There is no display, so this is the terminal. The first build takes about ten minutes on two cores."
	@begun=$$(date +%s); cargo build --locked --bin headgate --example stages && echo "Built in $$(( $$(date +%s) - begun )) s."
	@$(CARGO_TARGET_DIR)/debug/headgate demo
else
	@$(MAKE) --no-print-directory libraries page
	@echo "Building the window; the first time this takes about twelve minutes on two cores."
	@begun=$$(date +%s); cargo build --locked --bin headgate-desktop --example empty && echo "Built in $$(( $$(date +%s) - begun )) s."
	@HEADGATE_DATA=$${HEADGATE_DATA:-$(CACHE)/headgate/try} $(CARGO_TARGET_DIR)/debug/headgate-desktop
endif

# Runs every check and closes with one count over all of them.
test: compiler clone libraries browsers python page
	@python3 tests/check.py

# Random sequences of what happens to a lake for HEADGATE_SOAK_SECONDS, an hour when not said, then many
# installations on one lake and a thousand runs into one. Prints what it tried. Not part of make test.
soak: compiler clone python java
	@cargo build --locked --bin headgate --example stages
	@python3 tests/check.py soak

# Compares with hand-written peers and with its own stages; leaves bench/report.md.
bench: compiler clone libraries browsers python page
	@python3 tests/bench/run.py

# Checks what it is made of: sources, licences, copies, hashes, advisories. Not part of make test, because
# it asks the package registries.
audit: node deny
	@python3 tests/audit.py $(TOOLS)/bin/cargo-deny

# The page, as the window embeds it; built when what it is made of has changed.
page: ui/dist/index.html

ui/dist/index.html: node_modules/made-of ui/index.html ui/package.json $(wildcard ui/*.ts ui/*.js) $(shell find ui/src ui/public -type f)
	@npm run -s -w ui build -- --logLevel warn

node_modules/made-of: package-lock.json | node
	@echo "Installing the page's packages, about half a minute."
	@npm ci --ignore-scripts --silent --no-audit --no-fund && touch $@

# Clones share cargo's output. What cargo built of our own crates knows the clone it was built in, and
# files outside a crate's folder only by that path; so another clone builds our own crates again.
clone:
	@mkdir -p $(CARGO_TARGET_DIR)
	@[ "$$(cat $(CARGO_TARGET_DIR)/clone 2>/dev/null)" = "$(CURDIR)" ] || { \
		cargo clean -q --locked --workspace; echo "$(CURDIR)" > $(CARGO_TARGET_DIR)/clone; }

compiler:
	@command -v cc >/dev/null || { echo "Installing a C compiler with apt, about a minute."; $(INSTALL) build-essential; }

deny: compiler
	@[ "$$($(TOOLS)/bin/cargo-deny --version 2>/dev/null)" = "cargo-deny $(DENY)" ] || { \
		echo "Building cargo-deny, about five minutes on two cores."; \
		CARGO_TARGET_DIR=$(TOOLS)/target cargo install -q --locked --version $(DENY) --root $(TOOLS) cargo-deny; }

libraries:
	@pkg-config --exists webkit2gtk-4.1 2>/dev/null || { echo "Installing the web view's library with apt, about half a minute."; \
		$(INSTALL) pkg-config libwebkit2gtk-4.1-dev; }

# What the tests of the page and of the window need.
browsers:
	@{ command -v chromium && command -v WebKitWebDriver && command -v Xvfb && command -v dbus-daemon && command -v dbus-monitor && fc-match sans >/dev/null; } >/dev/null 2>&1 || { \
		echo "Installing Chromium, WebKit's driver, Xvfb and a session bus with apt, about a minute."; \
		$(INSTALL) chromium webkit2gtk-driver xvfb dbus-daemon dbus-bin fontconfig fonts-dejavu-core; }

python:
	@python3 -c 'import ensurepip' 2>/dev/null || { echo "Installing python3-venv with apt, half a minute."; $(INSTALL) python3-venv; }

java:
	@command -v java >/dev/null || { echo "Installing Java for Spark with apt, about a minute."; $(INSTALL) openjdk-17-jre-headless; }

node:
	@command -v npm >/dev/null || { echo "The page needs Node 20 or later." >&2; exit 1; }
