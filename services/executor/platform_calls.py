"""The calls that a plugin's host may make of the platform: name → arguments → answer.

The host side (`host/`, `compat/`) makes them over its socket, the executor answers them by the bus.
`plugin` is the key that the plugin's code named; whose data it then touches is decided by the executor.

| method | arguments | answer |
|---|---|---|
| data.get_collection | plugin, collection | list of records `{id, data, created_at, updated_at}` (RFC 3339) |
| data.set_collection | plugin, collection, items | list of records |
| data.add_to_collection | plugin, collection, data | record |
| data.update_in_collection | plugin, collection, id, data | record or None |
| data.remove_from_collection | plugin, collection, id | bool |
| data.clear_collection | plugin, collection | int |
| data.get_item | plugin, collection, id | record or None |
| data.take_ids | plugin, collection, count, above | int, the first of the reserved ids |
| data.write_together | plugin, writes `[{verb, collection, id, data}]` | None; all of them or none |
| config.get | plugin | `{key, enabled, ever_enabled, settings}` or None |
| config.set_settings | plugin, settings | settings as stored |
| plugins.list | | list of plugin items, as `GET /api/plugins/plugins/` shows them |
| plugins.get | plugin | plugin item or None |
| plugins.discover | | int, the number of plugins found |
| plugins.run | plugin, action, params | the action's result |
| plugins.stop | plugin, reason | bool |
| event.websocket | group, type, data | None |
| event.emit | event, payload | None |
| task.send | task, id, message, eta, expires, time_limit | str, the id of the task's run |
| task.get | keys | object of the values that there are |
| task.put | key, value | None |
| task.count | key | int, the counter raised by one |
| task.drop | key | None |
| task.revoke | id | bool |
| beat.keep | row, name, task, message, cron or interval_s or at, timezone, enabled | None |
| beat.drop | row | bool |
| host.redis | | `{url}`, or `{socket}`, a name in the folder that plugins see |
| host.database | | None, when the host application's tables are there |
| files.open | id | `{name, size, type, id, digest}` |
| files.read | id, after | `{data, after}`, base64; no data at the end |
"""

from typing import Final

PLATFORM_CALLS: Final = frozenset(
    {
        "data.get_collection",
        "data.set_collection",
        "data.add_to_collection",
        "data.update_in_collection",
        "data.remove_from_collection",
        "data.clear_collection",
        "data.get_item",
        "data.take_ids",
        "data.write_together",
        "config.get",
        "config.set_settings",
        "plugins.list",
        "plugins.get",
        "plugins.discover",
        "plugins.run",
        "plugins.stop",
        "event.websocket",
        "event.emit",
        "host.database",
        "host.redis",
        "files.open",
        "files.read",
        "task.send",
        "task.get",
        "task.put",
        "task.count",
        "task.drop",
        "task.revoke",
        "beat.keep",
        "beat.drop",
    }
)
"""Anything else that a host asks for is refused."""
