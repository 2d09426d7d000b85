"""The HTTP API is a promise to programs and to the UI's types: a diff is a decision."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from services.gateway.access import ACCESS
from services.gateway.main import create_app
from services.gateway.settings import Settings


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict:
    settings = Settings.model_validate(
        {
            "nats_url": "nats://127.0.0.1:1",
            "nats_password": "unused",
            "jwt_secret": "a secret that signs nothing, of 32 characters and more",
            "data_dir": Path(tmp_path_factory.mktemp("state")),
        }
    )
    return create_app(settings).app_document()


def test_the_openapi_document_is_the_golden_file(golden, document):
    golden("openapi.json", document)


def test_operation_ids_are_unique_and_every_operation_says_who_may(document):
    found = [entry for methods in document["paths"].values() for entry in methods.values()]
    ids = [entry["operationId"] for entry in found]
    assert sorted(ids) == sorted(ACCESS)
    for entry in found:
        level = ACCESS[entry["operationId"]]
        assert entry.get("x-level") == level
        assert entry["security"] == ([] if level is None else [{"bearer": []}, {"apiKey": []}])
        assert entry["summary"]
        assert entry["tags"]


def test_every_reference_leads_somewhere_and_schemas_are_valid(document):
    schemas = document["components"]["schemas"]

    def references(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for below in node.values():
                yield from references(below)
        elif isinstance(node, list):
            for below in node:
                yield from references(below)

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_the_ui_schema_is_part_of_it(document):
    schemas = document["components"]["schemas"]
    assert {"Component", "FieldSpec", "Page", "Navigation", "Action"} <= set(schemas)
    assert schemas["PluginItem"]["properties"]["pages"]["additionalProperties"] == {
        "$ref": "#/components/schemas/Page"
    }
