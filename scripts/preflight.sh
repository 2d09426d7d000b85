#!/bin/sh
# Says everything that this machine lacks, at once, each thing with its remedy; exits 1 if something
# needed is missing. As root on Debian and its relatives it installs what apt-get has, saying so
# (PLUGARR_NO_INSTALL=1: only say).
#
# usage: sh scripts/preflight.sh [run|test] [--quiet] [options of `plugarr up`]
# Needs nothing but a POSIX sh and its utilities: it runs before anything is installed.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
cd "$here/.."
. "$here/python.sh"

goal=${1:-test}
quiet=no
check_port=yes
for argument in "$@"; do
    case $argument in
        --quiet) quiet=yes ;;
        --port*) check_port=no ;; # `plugarr up` looks at that one itself
    esac
done
[ "$goal" = run ] || check_port=no

system=$(uname -s)
machine=$(uname -m)
cpuinfo=${PREFLIGHT_CPUINFO:-/proc/cpuinfo}

ok() { [ "$quiet" = yes ] || printf '  ok       %-12s %s\n' "$1" "$2"; }

# optional NAME STATE REMEDY [APT PACKAGES]
optional() {
    notes="$notes  optional $(printf '%-12s' "$1") $2
           $(printf '%-12s' '') -> $3
"
    wanted="$wanted ${4:-}"
}

# missing NAME STATE REMEDY [APT PACKAGES]
missing() {
    faults="$faults  MISSING  $(printf '%-12s' "$1") $2
           $(printf '%-12s' '') -> $3
"
    wanted="$wanted ${4:-}"
}

check_system() {
    case $system in
        Darwin)
            version=$(sw_vers -productVersion 2>/dev/null || echo 0)
            if [ "${version%%.*}" -ge 13 ]; then
                ok macOS "$version"
            else
                missing macOS "$version, and the servers' builds need 13 or newer" \
                    'update macOS, or run Plugarr on Linux'
            fi ;;
        Linux)
            if ls /lib/ld-musl-* >/dev/null 2>&1 && ! ls /lib*/ld-linux-* >/dev/null 2>&1; then
                missing Linux 'the C library is musl, and the servers are built for glibc' \
                    'use a distribution with glibc (Debian, Ubuntu, Fedora …)'
            else
                ok Linux "$machine"
            fi ;;
        *)
            missing system "$system is not supported" 'use Linux or macOS (on Windows: WSL 2)' ;;
    esac
}

check_python() {
    python=$(find_python)
    if [ -z "$python" ]; then
        packages='python3 python3-venv'
        # A distribution whose own python3 is too old may carry a newer one beside it.
        if python3 -c '' 2>/dev/null; then packages='python3.11 python3.11-venv'; fi
        missing Python 'none of python3.11 … python3.14, python3 is a Python 3.11 to 3.14 that runs' \
            "install one (Debian: apt-get install $packages; macOS: brew install python@3.13; or PYTHON=/path/to/python make …)" \
            "$packages"
        return
    fi
    version=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null || echo '?')
    ok Python "$version ($python)"
    lacking=$("$python" -c 'import importlib
for module in "ctypes", "ensurepip", "sqlite3", "ssl", "venv", "zlib":
    try:
        importlib.import_module(module)
    except ImportError:
        print("", module, end="")' 2>/dev/null || echo ' anything')
    if [ -z "$lacking" ]; then
        ok venv 'virtual environments can be made'
        return
    fi
    minor=${version#*.}
    package="python3.${minor%%.*}-venv"
    case $lacking in
        *ctypes*|*sqlite3*|*ssl*|*zlib*|*anything*)
            missing venv "$python was built without:$lacking" \
                "use another Python (Debian: apt-get install python3 python3-venv) or rebuild it with these libraries' headers" ;;
        *)
            missing venv "$python cannot make virtual environments (no$lacking)" \
                "Debian: apt-get install $package" "$package" ;;
    esac
}

has_library() {
    if [ -n "$python" ]; then
        "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" >/dev/null 2>&1
    else
        PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q "$1"
    fi
}

# What the embedded mongod needs; nothing of it if another MongoDB is named.
check_mongod() {
    if [ "$goal" = run ] && [ -n "${PLUGARR_MONGO_URL:-}" ]; then
        ok MongoDB 'the one of PLUGARR_MONGO_URL'
        return
    fi
    if [ "$system" = Linux ]; then
        if has_library libcurl.so.4; then ok libcurl 'libcurl.so.4'; else
            missing libcurl 'libcurl.so.4, which the embedded MongoDB loads' \
                'Debian: apt-get install libcurl4; Fedora: dnf install libcurl' libcurl4
        fi
        if has_library libssl.so.3 && has_library libcrypto.so.3; then ok OpenSSL 'libssl.so.3'; else
            missing OpenSSL 'libssl.so.3 and libcrypto.so.3, which the embedded MongoDB loads' \
                'Debian: apt-get install libssl3; Fedora: dnf install openssl-libs' libssl3
        fi
    fi
    remedy='use another machine, or name a MongoDB elsewhere by PLUGARR_MONGO_URL (make run only)'
    case $system-$machine in
        Linux-x86_64|Linux-amd64)
            if grep -qw avx "$cpuinfo" 2>/dev/null; then ok CPU 'AVX'; else
                missing CPU 'AVX, without which MongoDB 5 and newer ends with an illegal instruction' "$remedy"
            fi ;;
        Linux-aarch64|Linux-arm64)
            if grep -qw atomics "$cpuinfo" 2>/dev/null; then ok CPU 'ARMv8.1 or newer'; else
                missing CPU 'the instructions of ARMv8.2 that MongoDB 5 and newer uses' "$remedy"
            fi ;;
        Darwin-x86_64)
            if sysctl -n machdep.cpu.features 2>/dev/null | grep -qw 'AVX1.0'; then ok CPU 'AVX'; else
                missing CPU 'AVX, without which MongoDB 5 and newer ends with an illegal instruction' "$remedy"
            fi ;;
    esac
}

# Node builds the web UI; where there is none, set-up takes one from a Python wheel.
check_node() {
    [ -d frontend ] || return 0
    if command -v npm >/dev/null 2>&1; then
        version=$(node --version 2>/dev/null) || version=
        version=${version#v}
        minor=${version#*.}
        minor=${minor%%.*}
        if [ "${version%%.*}" -gt 20 ] 2>/dev/null || { [ "${version%%.*}" = 20 ] && [ "${minor:-0}" -ge 19 ]; }; then
            ok Node "$version"
            return
        fi
    fi
    ok Node 'none of 20.19 or newer with npm here: set-up takes it from a Python wheel'
}

check_sandbox() {
    [ "$system" = Linux ] || return 0
    if ! command -v bwrap >/dev/null 2>&1; then
        optional bubblewrap 'not there: plugins run at a lower level of the sandbox' \
            'Debian: apt-get install bubblewrap; Fedora: dnf install bubblewrap' bubblewrap
    elif ! bwrap --ro-bind / / true 2>/dev/null; then
        optional bubblewrap 'there, but may not make namespaces: plugins run at a lower level of the sandbox' \
            'allow unprivileged user namespaces (in a container: its security options)'
    else
        ok bubblewrap 'the sandbox of plugins'
    fi
}

check_browser() {
    [ "$goal" = test ] && [ -d tests/browser ] || return 0
    for browser in chromium chromium-browser google-chrome \
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
        if command -v "$browser" >/dev/null 2>&1; then ok browser "$browser"; return; fi
    done
    missing browser 'Chromium, in which the UI is tested' \
        'Debian: apt-get install chromium; macOS: install Chrome' chromium
}

check_postgresql() {
    [ "$goal" = test ] && [ -d tests/compat ] || return 0
    for server in "$(command -v postgres || :)" /usr/lib/postgresql/*/bin/postgres; do
        if [ -x "$server" ]; then ok PostgreSQL "$server"; return; fi
    done
    missing PostgreSQL "the server, on which plugins' use of a Dispatcharr's database is tested" \
        'Debian: apt-get install postgresql; macOS: brew install postgresql@16 and put it on PATH' postgresql
}

check_port() {
    port=${PLUGARR_PORT:-9191}
    [ "$check_port" = yes ] && [ -n "$python" ] || return 0
    if "$python" -c 'import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))' "${PLUGARR_HOST:-127.0.0.1}" "$port" 2>/dev/null; then
        ok port "$port is free"
    else
        missing port "$port cannot be listened on: something else does (perhaps Plugarr runs already)" \
            'end it, or choose another: PLUGARR_PORT=9292 make run'
    fi
}

check_disk() {
    need=2097152
    [ "$goal" != run ] || need=1048576
    free=$(df -Pk . | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')
    if [ "${free:-$need}" -ge "$need" ]; then ok disk "$((${free:-$need} / 1048576)) GiB free"; else
        missing disk "$((free / 1024)) MiB free, and $((need / 1024)) MiB are needed" 'make room on this disk'
    fi
}

check_all() {
    faults=
    notes=
    wanted=
    check_system
    check_python
    check_mongod
    check_node
    check_sandbox
    check_browser
    check_postgresql
    check_port
    check_disk
}

check_all
packages=$(echo $wanted)
# A set-up that is done asks only for what is needed, not again for what was only wished for.
[ "$quiet" = no ] || [ -n "$faults" ] || packages=
if [ -n "$packages" ] && [ -z "${PLUGARR_NO_INSTALL:-}" ] && [ "$(id -u)" = 0 ] &&
    command -v apt-get >/dev/null 2>&1; then
    echo "preflight: installing by apt-get: $packages"
    export DEBIAN_FRONTEND=noninteractive
    # A failure is no end: whatever is still missing is said below, with its remedy.
    apt-get update -qq || echo 'preflight: apt-get update failed'
    for package in $packages; do
        apt-get install -qq -y --no-install-recommends "$package" >/dev/null ||
            echo "preflight: apt-get could not install $package"
    done
    check_all
fi

if [ -n "$faults" ]; then
    printf 'preflight: this machine lacks what follows; with it, run the same command again.\n%s%s' \
        "$faults" "$notes"
    exit 1
fi
[ "$quiet" = yes ] || printf '%s' "$notes"
