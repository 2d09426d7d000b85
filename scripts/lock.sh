#!/bin/sh
# Writes the locks from pyproject.toml: exact versions, hashes of every platform's files, no address.
# Versions that are locked stay unless pyproject.toml forbids them; `make lock UPGRADE=1` takes the newest.
set -eu
cd "$(dirname "$0")/.."

compile() {
    output=$1
    shift
    .venv/bin/uv pip compile --no-config --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command 'make lock' ${UPGRADE:+--upgrade} --output-file "$output" "$@"
}
compile requirements.lock pyproject.toml --group build
# Constrained by the first, so that what is tested is what runs.
compile requirements-test.lock pyproject.toml --group build --group test --constraint requirements.lock
# Only for machines without Node: 60 MB that nobody else should download.
compile requirements-node.lock --group node
