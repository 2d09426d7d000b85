"""The view is the manifest, completed by what the loaded plugin says."""

from shared.contracts.manifest import Manifest, PluginView, Problem, merge
from shared.manifests.normalise import loaded_document

DIGEST = "a" * 64


def manifest(**values):
    return Manifest(
        **{"key": "p", "folder": "P", "digest": DIGEST, "name": "N", "version": "1", "unknown": ["fields", "execution"],
           "fields": [{"id": "old", "label": "Old", "type": "text"}],
           "errors": [Problem(path="plugin.py:3", message="x"), Problem(path="pages.main", message="y")],
           "warnings": [Problem(path="fields[1]", message="z"), Problem(path="name", message="n")], **values}
    )  # fmt: skip


def loaded(digest=DIGEST, **values):
    said = {"name": "", "version": "2", "fields": [{"id": "new", "label": "New", "type": "text"}, 5]}
    return loaded_document(digest=digest, epoch=1, executor="e", attributes=said, **values)


def test_what_the_plugin_says_wins_and_what_it_leaves_empty_falls_back():
    view = merge(manifest(), loaded())
    assert (view.name, view.version, [field.id for field in view.fields]) == ("N", "2", ["new"])
    assert (view.loaded, view.load_error, view.executor, view.unknown) == (True, None, "e", ["execution"])


def test_findings_follow_what_they_are_about():
    view = merge(manifest(), loaded())
    assert [problem.path for problem in view.errors] == ["pages.main"]
    assert [problem.path for problem in view.warnings] == ["name", "fields[1]"]
    assert "must be an object" in view.warnings[1].message


def test_another_version_does_not_count():
    view = merge(manifest(), loaded("b" * 64))
    assert (view.version, view.loaded) == ("1", False)
    assert not merge(manifest(digest=None), loaded()).loaded


def test_a_failed_load_is_shown_and_leaves_the_manifest():
    view = merge(manifest(), loaded(ok=False, error="ImportError: x"))
    assert (view.loaded, view.load_error, view.version) == (False, "ImportError: x", "1")
    assert len(view.errors) == 2


def test_a_plugin_that_is_not_loaded_is_its_manifest():
    made = manifest()
    view = merge(made, None)
    assert isinstance(view, PluginView)
    assert Manifest.from_bytes(view.to_bytes()) == made
