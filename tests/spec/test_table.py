"""Every element of the specification has a row, every row a test or the part of the system that proves it."""

import ast
import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.spec.elements import REPOSITORY, SPECIFICATION, elements
from tests.spec.fragments import BLOCKS, KEYS, MANIFEST

TABLE = Path(__file__).with_name("table.tsv")
PARTS = {
    "e2e": "plugins that run on the whole platform, driven over HTTP; `e2e=` names the test",
    "frontend": "the web UI in a real browser; `frontend=` names the test",
}
"""What proves the rows that no manifest can prove."""


@dataclass(frozen=True)
class Row:
    id: str
    line: int
    kind: str
    tests: tuple[str, ...]
    parts: tuple[str, ...]


@cache
def rows():
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Row(
                row["id"],
                int(row["line"]),
                row["kind"],
                tuple(row["tests"].split()),
                tuple(row["parts"].split()),
            )
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


@cache
def functions(file):
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def exists(test):
    file, _, name = test.partition("::")
    return (REPOSITORY / file).is_file() and name.split("[")[0] in functions(file)


@pytest.mark.needs_specification
def test_every_element_of_the_specification_has_its_row():
    expected = {(one.id, one.line, one.kind) for one in elements(SPECIFICATION.read_text(encoding="utf-8"))}
    assert expected == {(row.id, row.line, row.kind) for row in rows()}


@pytest.mark.needs_specification
def test_the_blocks_beside_the_tests_are_the_specifications():
    found = elements(SPECIFICATION.read_text(encoding="utf-8"))
    expected = {
        one.id.removeprefix("block:").replace("#", "-"): f"{one.text}\n"
        for one in found
        if one.kind == "block"
    }
    assert expected == {file.stem: file.read_text(encoding="utf-8") for file in BLOCKS.glob("*.txt")}


def test_every_row_has_a_test_or_a_part_that_proves_it():
    assert [row.id for row in rows() if not row.tests and not row.parts] == []


def test_every_part_names_the_test_that_proves_it():
    parts = {part for row in rows() for part in row.parts}
    assert {
        part for part in parts if part.partition("=")[0] not in PARTS or not part.partition("=")[2]
    } == set()


def test_every_id_stands_once():
    assert len({row.id for row in rows()}) == len(rows())


def test_every_named_test_exists():
    assert {test for row in rows() for test in row.tests if not exists(test)} == set()


def test_every_test_that_a_part_names_exists():
    named = {part.partition("=")[2] for row in rows() for part in row.parts}
    assert {test for test in named if not exists(test)} == set()


def test_every_case_of_a_named_test_is_one():
    module = "tests/spec/test_manifest.py::"
    cases = {f"{module}test_block[{name}]" for name in MANIFEST}
    cases |= {f"{module}test_key[{name}-{key}]" for name, key in KEYS}
    named = {test for row in rows() for test in row.tests}
    assert {test for test in named if "test_block[" in test or "test_key[" in test} == cases
