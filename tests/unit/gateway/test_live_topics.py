"""What topics are called, and that they are what the documents say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.topics import topic_of
from shared import errors
from shared.contracts.base import new_id
from shared.contracts.live import TOPICS
from shared.contracts.names import token

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@pytest.mark.parametrize("template", TOPICS)
def test_every_documented_topic_can_be_followed_at_its_level(template: str) -> None:
    name = template.format(plugin="my=20plugin", collection="events", run_id=new_id())
    topic = topic_of(name)
    assert topic.name == name
    assert topic.level == TOPICS[template][0]


@given(NAMES, NAMES)
def test_any_collection_has_a_topic_on_a_subject_of_its_own(plugin: str, collection: str) -> None:
    topic = topic_of(f"data.{token(plugin)}.{token(collection)}")
    assert topic.origin.subject == f"plugarr.v1.event.data.{token(plugin)}.{token(collection)}"


@given(st.text(max_size=80))
def test_any_other_name_is_refused(name: str) -> None:
    try:
        topic = topic_of(name)
    except errors.Invalid:
        return
    assert not {"*", ">", " "} & set(topic.origin.subject.removesuffix(".*"))
