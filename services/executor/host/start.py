# ruff: noqa: INP001 - the first file of a path that holds packages, and part of none
"""First program of a plugin's launcher, and of a host that is spawned instead of forked.

Started as `python -I -S start.py CONFIG`, CONFIG being JSON: `role`, `paths` (appended to `sys.path`, since
`-S` keeps site-packages and `.pth` files out), and what the role needs. With role `migrate` it is no plugin's:
it makes the host application's tables.
"""

import json
import sys


def main() -> None:
    """Complete the path, hide the platform's own packages, and become a launcher or a host."""
    config = json.loads(sys.argv[1])
    sys.path.extend(config["paths"])
    from plugarr_host import hidden  # noqa: PLC0415 - importable only once the path is complete

    hidden.hide(config["hidden"])
    if config["role"] == "host":
        from plugarr_host import runtime  # noqa: PLC0415

        runtime.serve_spawned(config)
    if config["role"] == "migrate":
        from plugarr_host import migrate  # noqa: PLC0415

        migrate.serve(config)
    from plugarr_host import launcher  # noqa: PLC0415

    launcher.serve(config)


if __name__ == "__main__":
    main()
