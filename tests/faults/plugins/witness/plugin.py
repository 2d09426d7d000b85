"""Writes down that it runs, before and after; what it writes survives every process, since it is appended at once."""

import json
import os
import time
import uuid

import plugarr
from apps.plugins.models import PluginData

LOG = "/data/witness.log"


def note(what, token, number):
    line = {
        "what": what,
        "run_id": plugarr.run_id,
        "attempt": plugarr.attempt,
        "token": token,
        "number": number,
        "at": time.time(),
    }
    log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(log, json.dumps(line).encode() + b"\n")
    finally:
        os.close(log)


class Plugin:
    name = "Witness"
    actions = [
        {"id": "work", "label": "Work"},
        {"id": "write", "label": "Write"},
        {"id": "fail", "label": "Fail"},
        {"id": "again", "label": "Begin again once"},
    ]

    def run(self, action, params, context):
        token, number = uuid.uuid4().hex, params["number"]
        note("begin", token, number)
        time.sleep(params.get("sleep_s", 0))
        if action == "fail":
            raise ValueError("on purpose")
        if action == "again" and plugarr.attempt == 1:
            plugarr.retry(0.2)
        if action == "write":
            PluginData.objects.add_to_collection(
                params["plugin"], "notes", {"number": number, "token": token}
            )
            note("wrote", token, number)
        note("end", token, number)
        return {"status": "ok", "token": token}
