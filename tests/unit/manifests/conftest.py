"""A plugin of given files, read without executing it."""

import textwrap

import pytest

from shared.manifests.static import read_static


@pytest.fixture
def read(tmp_path):
    def write_and_read(source="", **others):
        folder = tmp_path / "my_plugin"
        for name, text in {"plugin.py": source, **others}.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        return read_static(folder)

    return write_and_read
