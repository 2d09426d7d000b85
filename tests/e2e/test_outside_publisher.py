"""An outside publisher runs an action with plain nats-py and the documents, and nothing of ours."""

import json
import subprocess
import sys
import textwrap
import uuid

import pytest

from tests.e2e.platform import ROOT, Api, Platform

# Written as docs/bus.md tells an outsider to; it runs with `-I` in an empty folder: no import of ours can work.
CLIENT = """
    import asyncio, json, sys, nats

    async def main(url, user, password, inbox, publish, results, command):
        refusals = []
        async def refused(error): refusals.append(str(error))
        bus = await nats.connect(url, user=user, password=password, inbox_prefix=inbox.encode(), error_cb=refused)
        answers = await bus.subscribe(results)
        body = json.dumps(command).encode()
        stored = json.loads((await bus.request(publish, body, timeout=5)).data)
        first = json.loads((await answers.next_msg(timeout=20)).data)
        # Sent again, it is the same run: not run twice, and answered again.
        again = None
        if command["action"] == "say_hello":
            await bus.request(publish, body, timeout=5)
            again = json.loads((await answers.next_msg(timeout=20)).data)
        await bus.publish(publish.replace("say_hello", "other"), body)
        await bus.flush(); await bus.flush()
        print(json.dumps({"stored": stored, "first": first, "again": again, "refusals": refusals}))
        await bus.close()

    asyncio.run(main(**json.loads(sys.stdin.read())))
"""


@pytest.fixture(scope="module")
def nightly(platform: Platform) -> dict[str, str]:
    """What `plugarr bus-user create` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli.main", "bus-user", "create", "nightly", "--run", "hello.say_hello",
         "--data-dir", str(platform.data_dir)],
        capture_output=True, text=True, check=True, cwd=ROOT, timeout=30,
    )  # fmt: skip
    return dict(line.split(None, 1) for line in done.stdout.strip().splitlines())


def publish(nightly: dict[str, str], **command: object) -> dict[str, object]:
    given = {key: nightly[key] for key in ("url", "user", "password", "inbox", "publish", "results")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(CLIENT)],
        input=json.dumps({**given, "command": command}), capture_output=True, text=True, timeout=60, cwd="/", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_runs_the_action_once_and_reads_its_result(api: Api, nightly: dict[str, str]) -> None:
    api.enable("hello")
    run_id = str(uuid.uuid4())
    seen = publish(nightly, run_id=run_id, plugin="hello", action="say_hello", params={"name": "bus"})
    assert seen["stored"]["stream"] == "RUN_CMD"
    assert seen["first"]["data"]["run_id"] == run_id
    assert seen["first"]["data"]["state"] == "succeeded"
    assert seen["first"]["data"]["result"]["status"] == "ok"
    assert seen["again"]["data"] == seen["first"]["data"]
    assert any("permissions violation" in refusal for refusal in seen["refusals"])
    run = api.http.get(f"/api/runs/{run_id}").json()
    assert run["actor"] == "bus:nightly"
    assert run["trigger"] == "bus"
    assert run["attempt"] == 1


def test_a_payload_that_names_another_action_or_actor_gains_nothing(
    api: Api, nightly: dict[str, str]
) -> None:
    api.enable("hello")
    run_id = str(uuid.uuid4())
    seen = publish(nightly, run_id=run_id, plugin="hello", action="forged", params={})
    assert seen["first"]["data"]["state"] == "failed"
    assert seen["first"]["data"]["cause"] == "permission_denied"
    run_id = str(uuid.uuid4())
    publish(nightly, run_id=run_id, plugin="hello", action="say_hello", actor="user:admin")
    assert api.http.get(f"/api/runs/{run_id}").json()["actor"] == "bus:nightly"
