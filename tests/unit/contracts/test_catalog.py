"""The catalogue's own promises: disjoint subjects, strict commands, tolerant events, complete documents."""

import itertools

import pytest
from pydantic import BaseModel, ValidationError

from deploy.nats.permissions import PROVISIONER, SERVICES, of_service
from shared.contracts import catalog as c
from shared.contracts import streams as s
from shared.contracts.asyncapi import SERVICES as DOCUMENTED
from shared.contracts.asyncapi import document, public_document
from shared.contracts.base import Answer, Command, Event, ObjectRef
from shared.contracts.contract import Rpc, Stored, StoredEvent
from shared.contracts.runs import RunRequested, RunState

RUN_ID = "0193c0de-0000-7000-8000-000000000000"


def test_every_subject_is_named_once() -> None:
    subjects = [v.subject if isinstance(v, Rpc) else v.subject.template for v in c.CATALOG.values()]
    assert len(subjects) == len(set(subjects))


def test_no_stream_captures_an_rpc() -> None:
    for stream in s.STREAMS:
        assert not [subject for subject in stream.subjects if subject.startswith(s.RPC_PREFIX)]


def test_no_two_streams_share_a_subject() -> None:
    def overlap(one: str, other: str) -> bool:
        a, b = one.split("."), other.split(".")
        return len(a) == len(b) and all(x == y or "*" in (x, y) for x, y in zip(a, b, strict=True))

    for one, other in itertools.combinations(s.STREAMS, 2):
        assert not [(x, y) for x in one.subjects for y in other.subjects if overlap(x, y)]


def test_every_stored_message_has_a_stream_that_takes_it() -> None:
    known = {stream.name: stream for stream in s.STREAMS}
    for contract in c.CATALOG.values():
        if isinstance(contract, Stored | StoredEvent):
            assert contract.subject.pattern() in known[contract.stream].subjects


def test_commands_forbid_unknown_fields_and_events_and_answers_ignore_them() -> None:
    for contract in c.CATALOG.values():
        received = contract.request if isinstance(contract, Rpc) else contract.payload
        wanted = "forbid" if isinstance(contract, Rpc | Stored) else "ignore"
        assert received.model_config["extra"] == wanted, received
        assert issubclass(received, Command if wanted == "forbid" else Event)
        if isinstance(contract, Rpc):
            assert issubclass(contract.reply, Answer | BaseModel)
            assert contract.reply.model_config["extra"] == "ignore", contract.reply


def test_streams_that_keep_promises_refuse_when_full_and_the_others_forget_the_oldest() -> None:
    # Of these MongoDB keeps the truth: their streams only wake whoever reads it.
    woken = {c.TICKS, c.EVENTS_DATA}
    forgetful = {stream.name for stream in s.STREAMS if not stream.discard_new}
    assert forgetful == {c.RUN_LOG, c.RUN_PROGRESS, *woken}


def test_an_outcome_outlives_its_command() -> None:
    ages = {stream.name: stream.max_age_s for stream in s.STREAMS}
    assert ages[c.RUN_STATE] > ages[c.RUN_CMD]


@pytest.mark.parametrize("service", [*SERVICES])
def test_no_service_makes_consumers_or_streams(service: str) -> None:
    publish = of_service(service).publish
    assert not [
        subject for subject in publish if ".CONSUMER.CREATE" in subject or ".CONSUMER.DURABLE" in subject
    ]
    assert not [subject for subject in publish if ".STREAM.CREATE" in subject or ".STREAM.UPDATE" in subject]
    assert not [subject for subject in publish if subject in {">", "*", "$JS.>", "$JS.API.>"}]


def test_who_makes_consumers_publishes_nothing_else() -> None:
    assert all(subject.startswith("$JS.API.") for subject in of_service(PROVISIONER).publish)


def test_a_command_of_an_outsider_needs_three_fields() -> None:
    command = RunRequested.model_validate({"run_id": RUN_ID, "plugin": "hello", "action": "greet"})
    assert command.params == {}
    with pytest.raises(ValidationError):
        RunRequested.model_validate({"run_id": RUN_ID, "plugin": "hello", "action": "greet", "colour": "red"})
    assert RunState.model_validate(
        {"run_id": RUN_ID, "plugin": "h", "action": "g", "state": "lost", "new": 1}
    )


def test_a_reference_is_told_from_params_that_look_alike() -> None:
    reference = {"$object": "0" * 64, "size": 5}
    command = RunRequested.model_validate(
        {"run_id": RUN_ID, "plugin": "p", "action": "a", "params": reference}
    )
    assert ObjectRef.read(reference) == ObjectRef(digest="0" * 64, size=5)
    assert isinstance(command.params, ObjectRef)
    assert ObjectRef.read({"$object": "x"}) is None
    assert ObjectRef.read({"$object": "x", "size": 5}) is None
    assert ObjectRef.read({"$object": "0" * 64, "size": -1}) is None
    assert '"$object"' in command.model_dump_json()


@pytest.mark.parametrize("service", DOCUMENTED)
def test_every_reference_in_an_asyncapi_document_resolves(service: str) -> None:
    for made in (document(service), public_document()):
        references: list[str] = []

        def walk(node: object, references: list[str] = references) -> None:
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    references.append(node["$ref"])
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(made)
        assert references
        for reference in references:
            target: object = made
            for part in reference.removeprefix("#/").split("/"):
                assert isinstance(target, dict)
                assert part in target, reference
                target = target[part]
