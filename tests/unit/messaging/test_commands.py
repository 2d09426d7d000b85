"""Reading run commands: the subject is believed, the payload is not."""

import orjson
import pytest

from shared.contracts import catalog as c
from shared.contracts.runs import Caller
from shared.messaging.commands import InvalidCommand, read_command

# Fixed: test ids are made of it, and two workers must make the same ones.
RUN = "01a20560-e9bf-7127-9263-c79e2b038684"
OWN = c.RUN_REQUESTED.subject.of(plugin="My Plug")
USERS = c.RUN_REQUESTED_BY_USER.subject.of(plugin="My Plug", action="go", user="Ann")


def body(**values: object) -> bytes:
    return orjson.dumps({"run_id": RUN, "plugin": "My Plug", "action": "go", **values})


def test_the_platforms_own_command_is_taken_as_it_is() -> None:
    command = read_command(OWN, body(actor="user:admin", depth=3))
    assert (command.actor, command.depth) == ("user:admin", 3)


def test_a_users_command_gets_actor_and_caller_from_its_subject() -> None:
    forged = body(
        actor="user:admin",
        caller={"kind": "gateway", "id": "x"},
        depth=3,
        kind="task",
        trigger="user",
        parent=RUN,
    )
    command = read_command(USERS, forged)
    assert (command.actor, command.caller) == ("bus:Ann", Caller(kind="user", id="Ann"))
    assert (command.kind, command.trigger, command.depth, command.parent) == ("action", "bus", 0, None)


@pytest.mark.parametrize(
    ("subject", "values"),
    [(OWN, {"plugin": "other"}), (USERS, {"plugin": "other"}), (USERS, {"action": "delete"})],
)
def test_a_payload_that_names_something_else_than_its_subject_is_denied(
    subject: str, values: dict[str, str]
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        read_command(subject, body(**values))
    assert (caught.value.cause, caught.value.run_id, caught.value.plugin) == (
        "permission_denied",
        RUN,
        "My Plug",
    )
    assert caught.value.actor == ("bus:Ann" if subject == USERS else None)


@pytest.mark.parametrize(
    ("data", "run_id"),
    [
        (b"not json", None),
        (b"[1]", None),
        (b'{"run_id": "7"}', None),
        (body(unknown=1), RUN),
        (body(params=[1]), RUN),
        (orjson.dumps({"run_id": RUN}), RUN),
    ],
)
def test_what_makes_no_sense_is_invalid_with_its_run_where_it_names_one(
    data: bytes, run_id: str | None
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        read_command(OWN, data)
    assert (caught.value.cause, caught.value.run_id) == ("invalid_command", run_id)
