"""The data that the examples draw."""

from typing import Any

from apps.plugins.models import PluginData

KEY = "ui_gallery"
TEAMS = [
    {"name": "Rovers", "city": "Bristol", "status": "active", "points": 48, "share": 80, "size": 1_536_000, "played": 5_400, "founded": "1883-09-01", "next_match": "2030-03-01T18:30:00Z", "site": "https://example.com/rovers", "promoted": True, "order": 0},
    {"name": "City", "city": "Leeds", "status": "active", "points": 44, "share": 73, "size": 820_000, "played": 5_130, "founded": "1890-04-12", "next_match": "2030-03-02T15:00:00Z", "site": "https://example.com/city", "promoted": True, "order": 1},
    {"name": "Athletic", "city": "Derby", "status": "paused", "points": 31, "share": 52, "size": 64_000, "played": 4_320, "founded": "1901-06-30", "next_match": "2030-03-02T17:15:00Z", "site": "https://example.com/athletic", "promoted": False, "order": 2},
    {"name": "United", "city": "York", "status": "active", "points": 27, "share": 45, "size": 12_800, "played": 4_860, "founded": "1922-08-15", "next_match": "2030-03-03T14:00:00Z", "site": "https://example.com/united", "promoted": False, "order": 3},
    {"name": "Wanderers", "city": "Hull", "status": "retired", "points": 9, "share": 15, "size": 512, "played": 900, "founded": "1935-02-03", "site": "https://example.com/wanderers", "promoted": False, "order": 4},
]  # fmt: skip
MONTHS = [
    {"month": month, "home": home, "away": away}
    for month, home, away in (
        ("Jan", 14, 9), ("Feb", 18, 12), ("Mar", 11, 15), ("Apr", 21, 10), ("May", 25, 17), ("Jun", 19, 13),
    )
]  # fmt: skip


def fill(*, anew: bool = False) -> None:
    """Put the examples there, unless there are some."""
    for name, documents in (("teams", TEAMS), ("months", MONTHS)):
        if anew or not PluginData.objects.get_collection_data(KEY, name):
            PluginData.objects.set_collection(KEY, name, [dict(document) for document in documents])


def count_teams() -> int:
    return len(PluginData.objects.get_collection_data(KEY, "teams"))


def save_team(values: dict[str, Any]) -> str:
    """Change the team of that `_id`, or add one; its name."""
    number = values.get("_id")
    given = {key: value for key, value in values.items() if key != "_id"}
    for team in PluginData.objects.get_collection_data(KEY, "teams"):
        if team["_id"] == number:
            before = {key: value for key, value in team.items() if key != "_id"}
            PluginData.objects.update_in_collection(KEY, "teams", number, before | given)
            return given["name"]
    PluginData.objects.add_to_collection(KEY, "teams", {"status": "active", "points": 0, **given})
    return given["name"]


def remove_team(number: int) -> None:
    PluginData.objects.remove_from_collection(KEY, "teams", number)
