"""`plugarr schedules`: what runs when."""

from typing import Annotated, Any

import typer

from deploy.cli.api import DEFAULT_DATA_DIR, DataDirOption, KeyOption, UrlOption, api
from deploy.cli.output import out, table


def schedules(
    *,
    plugin: Annotated[str | None, typer.Option(help="Only this plugin's.")] = None,
    url: UrlOption = None,
    api_key: KeyOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="The gateway's own answer.")] = False,
) -> None:
    """List the schedules: when each ticks next, and what was skipped or missed."""
    query: dict[str, Any] = {"limit": 1000, **({"plugin": plugin} if plugin else {})}
    answer = api(url, api_key, data_dir).call("GET", "/api/schedules/", params=query)
    if as_json:
        out.print_json(data=answer["schedules"])
        return
    rows = [
        [
            one["name"],
            f"{one['plugin']}.{one['action']}",
            _times_of(one),
            one["next_at"] or one["problem"] or ("" if one["enabled"] else "paused"),
            one["last_at"] or "",
            str(one["skipped_count"]),
            str(one["missed_count"]),
        ]
        for one in answer["schedules"]
    ]
    heads = ["name", "runs", "when", "next", "last", "skipped", "missed"]
    table(f"{answer['total']} schedules", heads, rows)


def _times_of(schedule: dict[str, Any]) -> str:
    if schedule["cron"]:
        zone = schedule["timezone"]
        return f"{schedule['cron']} ({zone})" if zone != "UTC" else str(schedule["cron"])
    return f"every {schedule['interval_s']:g} s" if schedule["interval_s"] else f"at {schedule['at']}"
