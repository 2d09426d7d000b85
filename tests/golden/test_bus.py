"""The bus as documents: a difference is a decision."""

from collections.abc import Callable

import pytest

from shared.contracts.asyncapi import SERVICES, catalogue, document, public_document

Golden = Callable[[str, object], None]


def test_the_catalogue_is_as_agreed(golden: Golden) -> None:
    golden("catalogue.json", catalogue())


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_says_on_the_bus_is_as_agreed(golden: Golden, service: str) -> None:
    golden(f"asyncapi/{service}.json", document(service))


def test_what_outsiders_may_use_is_as_agreed(golden: Golden) -> None:
    golden("asyncapi/public.json", public_document())
