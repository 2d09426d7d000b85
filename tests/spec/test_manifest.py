"""What the specification says of fields, actions, navigation, pages and components, key by key."""

import copy
import re

import pytest

from shared.contracts.ui import navigation_item, sorted_items
from shared.manifests.lint import lint
from shared.manifests.normalise import described
from shared.manifests.reader import read_manifest
from tests.spec.fragments import COMPONENTS, KEYS, MANIFEST, wrapped

SAID = ("name", "version", "description", "fields", "actions", "navigation", "pages")


@pytest.fixture
def folder(tmp_path):
    def write(source, name="my_plugin"):
        path = tmp_path / name
        path.mkdir()
        (path / "plugin.py").write_text(source)
        return path

    return write


def raw(name):
    """The attributes of the block's class, as Python makes them."""
    module = {}
    exec(wrapped(name), module)
    return {key: value for key, value in vars(module["Plugin"]).items() if key in SAID}


def document(made):
    """What a manifest or description says, JSON-shaped."""
    dumped = made.model_dump(mode="json", exclude_unset=True)
    return {key: dumped[key] for key in SAID if key in dumped}


def at(value, path):
    """Everything that stands at a path, through all lists on the way."""
    if not path:
        return [value]
    if isinstance(value, list):
        return [found for entry in value for found in at(entry, path)]
    return at(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def spoil(value, path):
    """Put a value that no key takes at the first place that the path leads to."""
    if isinstance(value, list):
        return any(spoil(entry, path) for entry in value)
    if not isinstance(value, dict) or path[0] not in value:
        return False
    if len(path) == 1:
        value[path[0]] = [[]]
        return True
    return spoil(value[path[0]], path[1:])


def root(name, key):
    """The key's path from the plugin's attributes."""
    return f"pages.main.components.{key}" if name in COMPONENTS else key


@pytest.mark.parametrize("name", MANIFEST)
def test_block(name, folder):
    path = folder(wrapped(name))
    manifest = read_manifest(path)
    said = document(manifest)
    if "name" not in raw(name):
        assert said.pop("name") == "my_plugin"
    assert said == raw(name)
    assert (manifest.errors, manifest.warnings, manifest.unknown) == ([], [], [])
    mistakes = [one for one in lint(path) if one.severity != "hint"]
    assert {one.path for one in mistakes} <= {"run", "name"}, "a fragment lacks no more than these"


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_key(name, key):
    path = root(name, key).split(".")
    expected = at(raw(name), path)
    assert expected
    assert at(document(described(raw(name))), path) == expected


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, key in KEYS if not key.endswith("default")])
def test_a_bad_value_of_the_key_is_reported_with_its_path(name, key):
    said = copy.deepcopy(raw(name))
    path = root(name, key)
    assert spoil(said, path.split("."))
    made = described(said)
    reported = [re.sub(r"\[\d+\]", "", problem.path) for problem in (*made.errors, *made.warnings)]
    assert any(path.startswith(found) for found in reported), reported


@pytest.mark.parametrize(
    "name", ["name", "version", "description", "fields", "actions", "navigation", "pages"]
)
def test_attribute(name, folder):
    given = {**raw("enhanced-plugin-with-custom-ui"), **{key: raw("minimal-plugin-legacy-style")[key] for key in ("fields", "actions")}}  # fmt: skip
    source = f"class Plugin:\n    {name} = {given[name]!r}\n"
    assert document(read_manifest(folder(source)))[name] == given[name]


def test_a_plugin_without_name_and_run_is_told_so(folder):
    found = lint(folder("class Plugin:\n    version = '1'\n"))
    assert {(one.path, one.message.split(":")[0]) for one in found if one.severity != "hint"} == {
        ("run", "is missing"), ("name", "is missing")
    }  # fmt: skip


FIELD_TYPES = {
    "boolean": {"default": True},
    "number": {"min": 1.0, "max": 10.0, "step": 0.5},
    "string": {"placeholder": "p", "max_length": 5},
    "select": {"options": [{"value": "a", "label": "A"}, {"value": 2, "label": "Two"}]},
    "text": {},
    "url": {},
    "email": {},
    "date": {"default": "2030-01-31"},
    "time": {"default": "18:00"},
    "color": {"default": "#ff0000"},
}


@pytest.mark.parametrize("kind", FIELD_TYPES)
def test_field_type(kind):
    field = {"id": "f", "label": "F", "type": kind, **FIELD_TYPES[kind]}
    form = {"type": "form", "submit_action": "go", "fields": [field]}
    made = described({"fields": [field], "pages": {"main": {"components": [form]}}})
    assert document(made) == {"fields": [field], "pages": {"main": {"components": [form]}}}
    assert (made.errors, made.warnings) == ([], [])


def test_the_icon_is_a_puzzle_and_the_path_is_made_unless_said():
    navigation = described({"navigation": {"label": "My Plugin"}}).navigation
    item = navigation_item("my_plugin", navigation)
    assert item.model_dump() == {
        "key": "my_plugin", "label": "My Plugin", "icon": "puzzle", "path": "/plugins/my_plugin",
        "badge": None, "position": "bottom",
    }  # fmt: skip


def test_positions_are_numbers_then_top_then_bottom():
    said = {"a": "bottom", "b": "top", "c": 20, "d": 3, "e": None, "f": 2.5}
    items = [
        navigation_item(key, described({"navigation": {"label": key, "position": position}}).navigation)
        for key, position in said.items()
    ]
    assert [item.key for item in sorted_items(items)] == ["f", "d", "c", "b", "a", "e"]


@pytest.mark.parametrize("badge", [5, "new"])
def test_a_badge_is_a_count_or_a_text(badge):
    assert described({"navigation": {"label": "L", "badge": badge}}).navigation.badge == badge


def test_components_that_the_specification_only_names():
    components = [
        {"type": "badge", "content": "5 new", "color": "red", "variant": "light", "size": "lg"},
        {"type": "divider", "label": "or", "orientation": "horizontal"},
        {"type": "button", "label": "Edit", "opens": "edit"},
        {
            "type": "modal",
            "id": "edit",
            "title": "Edit",
            "size": "lg",
            "components": [{"type": "text", "content": "x"}],
        },
    ]
    made = described({"pages": {"main": {"components": components}}})
    assert document(made) == {"pages": {"main": {"components": components}}}
    assert made.errors == []
