"""The plugin that `plugarr new` writes; `__KEY__` and `__NAME__` are filled in."""

from typing import Final

PLUGIN: Final = '''"""__NAME__: keeps notes. Change it into what you need."""

from apps.plugins.models import PluginData

KEY = "__KEY__"


class Plugin:
    name = "__NAME__"
    version = "0.1.0"
    description = "What it does, in one sentence."

    # Settings: shown on the plugins page, given to run() in context["settings"].
    fields = [
        {
            "id": "prefix",
            "label": "Prefix",
            "type": "string",
            "default": "Note",
            "help_text": "Put before each note",
        },
    ]

    # Buttons on the plugins page.
    actions = [
        {
            "id": "clear_notes",
            "label": "Clear notes",
            "description": "Deletes every note",
            "confirm": {"title": "Clear notes", "message": "This deletes every note. Continue?"},
        },
    ]

    # An entry in the sidebar that opens the page below.
    navigation = {"label": "__NAME__", "icon": "notes"}

    pages = {
        "main": {
            "title": "__NAME__",
            "components": [
                {
                    "type": "form",
                    "id": "add_note_form",
                    "fields": [{"id": "text", "label": "Note", "type": "text", "required": True}],
                    "submit_action": "add_note",
                    "submit_label": "Add",
                },
                {
                    "type": "table",
                    "data_source": "notes",
                    "columns": [{"id": "text", "label": "Note", "sortable": True}],
                    "row_actions": [
                        {
                            "id": "delete",
                            "label": "Delete",
                            "icon": "trash",
                            "action": "delete_note",
                            "color": "red",
                            "confirm": True,
                        },
                    ],
                    "searchable": True,
                },
            ],
        },
    }

    def run(self, action: str, params: dict, context: dict) -> dict:
        if action == "add_note":
            text = str(params.get("text") or "").strip()
            if not text:
                return {"status": "error", "message": "A note needs a text"}
            note = f"{context['settings']['prefix']}: {text}"
            PluginData.objects.add_to_collection(KEY, "notes", {"text": note})
            context["logger"].info("Added %s", note)
            return {"status": "ok", "message": "Note added"}
        if action == "delete_note":
            PluginData.objects.remove_from_collection(KEY, "notes", params.get("_id"))
            return {"status": "ok", "message": "Note deleted"}
        if action == "clear_notes":
            PluginData.objects.clear_collection(KEY, "notes")
            return {"status": "ok", "message": "All notes deleted"}
        return {"status": "error", "message": f"Unknown action: {action}"}
'''
