# Words a newcomer would guess; `make help` prints them from the remarks behind `##`.
# Variables: PYTHON, MANIFEST (a ClockifyRAG resource), SOURCE (a local file or folder), ROUNDS (of make bench),
# KEEP=1, TESTS and SMOKE=1 (leave the cluster of make e2e; a file of tests/cluster; the story and three faults alone),
# ROW, SHORT=1 and ANEW=1 (of make chaos: one promise; shorter faults; also what passed at this commit), E2E_KUBECONFIG and E2E_LOAD (another cluster, and how
# images get there: tests/cluster/installation.py).

# Python's bytecode is kept even where the environment says not to: without it a start compiles 800 modules, which is two
# of three seconds.
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
MANIFEST ?= clockifyrag.yaml
BIN := .venv/bin
BINARIES := etcd kube-apiserver kubectl helm promtool
PROGRAMS := chromium chromedriver nginx systemd-analyze wrk

.DEFAULT_GOAL := help
.PHONY: all bench binaries clean help lint lock programs run setup setup-dev test test-fast

all: lint test  ## what runs before a commit

bench: setup-dev  ## measure the figures of docs/performance.md, write bench/results.json
	$(BIN)/python -m bench

bench-cluster: setup-dev binaries cluster-up images  ## those that need a cluster: ready, the first answer, and answers through changes
	$(BIN)/python -m bench cluster cluster-first
.PHONY: bench-cluster

bench-large: setup-dev  ## those of a million passages; the first time builds their index, an hour
	$(BIN)/python -m bench --large
.PHONY: bench-large

binaries: setup-dev
	@$(BIN)/python tools/binaries.py $(BINARIES)
	@$(BIN)/python -m tools.definitions

chaos: setup-dev binaries cluster-up images  ## break what docs/reliability.md promises, at the real times, or SHORT=1; ROW=R5 for one row
	CHAOS=$(if $(SHORT),short,1) $(BIN)/python -m tests.apiserver.reliability $(ROW) $(if $(ANEW),--anew)
.PHONY: chaos

clean:  ## remove .venv, the local index and all caches of tools
	rm -rf .venv .run dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

cluster-down: setup-dev  ## remove that cluster, also after a crash: nothing of it stays
	@$(BIN)/python -m tools.cluster down

cluster-up: setup-dev  ## a real Kubernetes of one node here, as root and without Docker; the first time builds it, 20 minutes
	@$(BIN)/python -m tools.cluster up
.PHONY: cluster-down cluster-up

# Into the current context of kubectl; VALUES is a file of values. Without a Helm on PATH one is built.
deploy: NAMESPACE ?= clockifyrag
deploy: HELM ?= $(or $(shell command -v helm),$(shell $(PYTHON) tools/binaries.py helm | tail -1)/helm)
deploy:  ## install or upgrade the operator in the cluster that kubectl speaks to
	$(HELM) upgrade --install clockifyrag charts/clockifyrag --namespace "$(NAMESPACE)" --create-namespace \
		$(if $(VALUES),--values "$(VALUES)") --wait
.PHONY: deploy

e2e: TESTS ?= tests/cluster
e2e: setup-dev binaries cluster-up images  ## the whole system on a cluster: a story, and faults under load; the first time 30 minutes
	[ -n "$$E2E_KUBECONFIG" ] || $(BIN)/python -m tools.cluster ollama >/dev/null
	$(BIN)/pytest $(TESTS) $(if $(SMOKE),-m smoke) -v -s; code=$$?; \
	[ -n "$(KEEP)$$E2E_KUBECONFIG" ] || $(BIN)/python -m tools.cluster down; exit $$code
.PHONY: e2e

help:  ## print these lines
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

images:  ## build the images and their bills of materials, with Docker or without
	$(PYTHON) -m tools.images build

images-verify:  ## build the images twice from nothing, and compare them byte by byte
	$(PYTHON) -m tools.images verify
.PHONY: images images-verify

lint: setup-dev  ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock:  ## write the lock files anew (needs uv)
	tools/lock.sh

programs:
	@$(PYTHON) tools/programs.py $(PROGRAMS)

# By the environment, so that a path may hold any character.
run: export MANIFEST := $(MANIFEST)
run: export SOURCE := $(SOURCE)
run: setup  ## build the index if anything changed, and serve it on http://127.0.0.1:8000
	@$(BIN)/clockifyrag up --file "$$MANIFEST" $${SOURCE:+--source "$$SOURCE"}

setup:
	@$(PYTHON) tools/bootstrap.py requirements.lock

setup-dev:
	@$(PYTHON) tools/bootstrap.py requirements-dev.lock

# Tests on an API server wait more than they work: three side by side keep two cores busy.
test: setup-dev programs binaries  ## every test that needs no node; the first run builds an API server, 7 minutes
	code=0; $(BIN)/pytest -n 3 --dist worksteal tests/apiserver || code=$$?; [ $$code != 2 ] || exit 2; \
	$(BIN)/pytest -n 2 --dist loadfile -m "not apiserver and not cluster" || code=$$?; exit $$code

test-fast: setup-dev  ## the tests that need no browser, no API server and no programs of the system
	$(BIN)/pytest -n 2 --dist loadfile -m "not apiserver and not browser and not cluster and not programs"
	@echo "Left out: tests in a browser, on an API server, and with nginx, systemd-analyze and wrk. All: make test"
