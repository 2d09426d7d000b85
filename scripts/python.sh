# Sourced by the other scripts: which Python to build the virtual environment from. POSIX sh.

# Prints the path of a Python 3.11–3.14, or nothing. One that can make virtual environments is
# preferred; a version manager's shim may exist and not run, so each candidate is really started.
find_python() {
    for probe in 'import ctypes, ensurepip, sqlite3, ssl, venv, zlib' ''; do
        for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
            "$candidate" -c "import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit(1)
$probe
print(sys.executable)" 2>/dev/null && return 0
        done
    done
    return 0
}
