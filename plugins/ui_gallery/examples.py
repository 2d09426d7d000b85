"""The examples, by tab: what each shows is the very description that stands beside it."""

from .shown import Node, badge, example, text

STATUS_COLORS = {"active": "green", "paused": "yellow", "retired": "gray"}
TEAM_FIELDS = [
    {"id": "name", "label": "Name", "type": "string", "required": True, "max_length": 40},
    {"id": "city", "label": "City", "type": "string"},
    {"id": "status", "label": "Status", "type": "select", "options": list(STATUS_COLORS)},
    {"id": "points", "label": "Points", "type": "number", "min": 0, "max": 200},
]

LAYOUT = [
    example(
        "stack",
        {"type": "stack", "gap": "xs", "components": [text("One below"), text("another"), text("with little room between")]},
    ),
    example(
        "group",
        {"type": "group", "gap": "lg", "justify": "space-between", "components": [badge("left"), badge("middle"), badge("right")]},
    ),
    example("grid", {"type": "grid", "columns": 3, "gap": "sm", "components": [badge(f"cell {n}", variant="outline") for n in range(1, 7)]}),
    example("card", {"type": "card", "title": "A box", "components": [text("around its components")]}),
    example(
        "tabs",
        {
            "type": "tabs",
            "items": [
                {"id": "home", "label": "Home", "icon": "home", "components": [text("Drawn at once")]},
                {"id": "more", "label": "More", "icon": "dots", "components": [text("Drawn when it is opened")]},
            ],
        },
    ),
    example(
        "modal and drawer",
        {
            "type": "group",
            "components": [
                {"type": "button", "label": "Open the modal", "opens": "hello_modal", "icon": "app-window"},
                {"type": "button", "label": "Open the drawer", "opens": "hello_drawer", "variant": "light", "icon": "layout-sidebar-right"},
            ],
        },
        {
            "type": "modal",
            "id": "hello_modal",
            "title": "Say hello",
            "size": "md",
            "components": [
                {
                    "type": "form",
                    "id": "hello_form",
                    "fields": [{"id": "name", "label": "To whom?", "type": "text", "required": True}],
                    "submit_action": "hello",
                    "submit_label": "Say hello",
                }
            ],
        },
        {"type": "drawer", "id": "hello_drawer", "title": "A drawer", "position": "right", "components": [text("Slides in from a side.")]},
    ),
]  # fmt: skip

CONTENT = [
    example(
        "title and text",
        {"type": "title", "content": "A heading", "order": 3},
        text("Plain text."),
        text("Large, bold and green", size="lg", weight="bold", color="green"),
    ),
    example(
        "alert",
        {"type": "alert", "title": "Good to know", "message": "Something happened"},
        {"type": "alert", "title": "Careful", "message": "Something may happen", "color": "yellow"},
        {"type": "alert", "message": "Something went wrong", "color": "red"},
    ),
    example(
        "badge",
        {
            "type": "group",
            "components": [
                badge("light"),
                badge("filled", color="green", variant="filled"),
                badge("outline", color="red", variant="outline"),
                badge("large", color="grape", size="lg"),
            ],
        },
    ),
    example(
        "button",
        {
            "type": "group",
            "components": [
                {"type": "button", "label": "Say hello", "action": "hello", "params": {"name": "world"}},
                {"type": "button", "label": "Ask first", "action": "hello", "variant": "light", "icon": "help", "confirm": {"title": "Sure?", "message": "It will say hello."}},
                {"type": "button", "label": "Fail", "action": "fail", "color": "red", "variant": "outline"},
                {"type": "button", "label": "Another page", "page": "second", "variant": "default"},
                {"type": "button", "label": "Elsewhere", "href": "https://example.com", "variant": "subtle"},
            ],
        },
    ),
    example("divider", {"type": "divider", "label": "or"}, {"type": "group", "components": [text("left"), {"type": "divider", "orientation": "vertical"}, text("right")]}),
    example(
        "markdown",
        {"type": "markdown", "content": "## Markdown\nWith **bold**, *italic*, `code`, [links](https://example.com) and\n\n- lists\n- of things\n\n| Team | Points |\n|---|---|\n| Rovers | 48 |\n\n> HTML such as <b>this</b> stays text."},
    ),
    example("code", {"type": "code", "language": "sh", "content": "plugarr new my_plugin\nplugarr check data/plugins/my_plugin"}),
    example(
        "image",
        {
            "type": "image",
            "src": "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 160 60'><rect width='160' height='60' rx='8' fill='%23464fcc'/><text x='80' y='37' fill='white' font-family='sans-serif' font-size='20' text-anchor='middle'>picture</text></svg>",
            "alt": "A blue box that says picture",
            "width": 200,
        },
    ),
]  # fmt: skip

DATA = [
    example(
        "table",
        {
            "type": "table",
            "id": "teams_table",
            "data_source": "teams",
            "columns": [
                {"id": "name", "label": "Team", "sortable": True},
                {"id": "status", "label": "Status", "render": "badge", "colors": STATUS_COLORS, "filterable": True, "options": list(STATUS_COLORS)},
                {"id": "points", "label": "Points", "render": "number", "sortable": True},
            ],
            "searchable": True,
            "pagination": True,
            "page_size": 10,
            "row_actions": [
                {"id": "edit", "label": "Edit", "icon": "pencil", "opens": "edit_team"},
                {"id": "delete", "label": "Delete", "icon": "trash", "action": "delete_team", "color": "red", "confirm": True},
            ],
            "bulk_actions": [{"id": "delete_all", "label": "Delete", "icon": "trash", "action": "delete_teams", "color": "red", "confirm": True}],
        },
        {
            "type": "modal",
            "id": "edit_team",
            "title": "Edit {{name}}",
            "components": [{"type": "form", "id": "team_form", "fields": TEAM_FIELDS, "submit_action": "save_team", "submit_label": "Save"}],
        },
        about="Rows can be chosen, edited in a dialog that the row fills, and deleted. Everybody who looks at it sees the change.",
    ),
    example(
        "every renderer",
        {
            "type": "table",
            "data_source": "teams",
            "columns": [
                {"id": "name", "label": "Team"},
                {"id": "promoted", "label": "Up", "render": "boolean"},
                {"id": "share", "label": "Season", "render": "progress"},
                {"id": "played", "label": "Played", "render": "duration"},
                {"id": "size", "label": "Size", "render": "bytes"},
                {"id": "founded", "label": "Founded", "render": "date"},
                {"id": "next_match", "label": "Next match", "render": "datetime"},
                {"id": "site", "label": "Site", "render": "link"},
            ],
        },
    ),
    example("list", {"type": "list", "data_source": "teams", "sort": "-points", "item_template": {"title": "{{name}}", "subtitle": "{{city}} · {{points}} points", "badge": "{{status}}"}}),
    example(
        "drag_drop_list",
        {
            "type": "drag_drop_list",
            "data_source": "teams",
            "item_template": {"title": "{{name}}", "subtitle": "since {{founded|date}}"},
            "actions": [{"id": "edit", "label": "Edit", "icon": "pencil", "opens": "edit_team"}],
            "empty_message": "No teams",
        },
        about="By mouse, finger or keyboard. Without `on_reorder` the platform writes the order.",
    ),
    example("details", {"type": "details", "data_source": "teams", "sort": "-points", "items": [{"id": "name", "label": "Best team"}, {"id": "points", "label": "Points", "render": "number"}, {"id": "next_match", "label": "Next match", "render": "datetime"}]}),
]  # fmt: skip

FIGURES = [
    example(
        "stat",
        {
            "type": "grid",
            "columns": 2,
            "components": [
                {"type": "stat", "label": "Teams", "data_source": "teams", "icon": "users"},
                {"type": "stat", "label": "Points", "data_source": "teams", "aggregate": "sum", "field": "points", "icon": "trophy", "color": "green"},
                {"type": "stat", "label": "Active", "data_source": "teams", "where": {"status": "active"}, "description": "of all teams"},
                {"type": "stat", "label": "Fixed", "value": 42, "render": "duration"},
            ],
        },
    ),
    example("chart: line", {"type": "chart", "kind": "line", "data_source": "months", "x": "month", "series": [{"id": "home", "label": "Home"}, {"id": "away", "label": "Away"}]}),
    example("chart: bar", {"type": "chart", "kind": "bar", "title": "Points by city", "data_source": "teams", "sort": "-points", "x": "city", "series": [{"id": "points", "label": "Points", "color": "teal"}]}),
    example("chart: area", {"type": "chart", "kind": "area", "data_source": "months", "x": "month", "stacked": True, "series": [{"id": "home", "label": "Home"}, {"id": "away", "label": "Away"}]}),
    example("chart: pie", {"type": "chart", "kind": "pie", "title": "Teams by status", "data_source": "teams", "x": "status", "aggregate": "count"}),
]  # fmt: skip

FORMS = [
    example(
        "form: every field",
        {
            "type": "form",
            "id": "all_fields",
            "fields": [
                {"id": "on", "label": "Boolean", "type": "boolean", "default": True},
                {"id": "number", "label": "Number", "type": "number", "min": 0, "max": 10, "step": 0.5},
                {"id": "string", "label": "String", "type": "string", "placeholder": "at most 20 characters", "max_length": 20},
                {"id": "secret", "label": "Password", "type": "string", "input_type": "password"},
                {"id": "text", "label": "Text", "type": "text", "rows": 3, "help_text": "As long as you like"},
                {"id": "select", "label": "Select", "type": "select", "options": ["red", "green", {"value": 3, "label": "three"}]},
                {"id": "many", "label": "Multiselect", "type": "multiselect", "options": ["one", "two", "three"]},
                {"id": "team", "label": "From a collection", "type": "select", "options_from": {"data_source": "teams", "label": "{{name}} ({{city}})"}},
                {"id": "url", "label": "URL", "type": "url"},
                {"id": "email", "label": "E-mail", "type": "email"},
                {"id": "date", "label": "Date", "type": "date"},
                {"id": "time", "label": "Time", "type": "time"},
                {"id": "datetime", "label": "Date and time", "type": "datetime"},
                {"id": "color", "label": "Colour", "type": "color"},
                {"id": "file", "label": "File", "type": "file", "accept": ".txt,.ics"},
                {"id": "rows", "label": "Table", "type": "table", "max_rows": 3, "columns": [{"id": "name", "label": "Name", "type": "string", "required": True}, {"id": "url", "label": "URL", "type": "url"}]},
                {"id": "note", "label": "Info", "type": "info", "value": "Something to read among the fields."},
            ],
            "submit_action": "save",
            "submit_label": "Save",
        },
    ),
    example(
        "visible_if and disabled_if",
        {
            "type": "form",
            "id": "conditions",
            "fields": [
                {"id": "mode", "label": "Mode", "type": "select", "options": ["simple", "expert"], "default": "simple"},
                {"id": "threads", "label": "Threads", "type": "number", "required": True, "visible_if": {"field": "mode", "eq": "expert"}},
                {"id": "locked", "label": "Lock the name", "type": "boolean"},
                {"id": "name", "label": "Name", "type": "string", "disabled_if": {"field": "locked", "eq": True}},
            ],
            "submit_action": "save",
        },
        {"type": "alert", "message": "There are more than three teams", "visible_if": {"data_source": "teams", "gt": 3}},
    ),
    example(
        "stepper",
        {
            "type": "stepper",
            "id": "new_team",
            "items": [
                {"id": "who", "label": "Who", "icon": "user", "fields": [{"id": "name", "label": "Name", "type": "string", "required": True}]},
                {"id": "where", "label": "Where", "icon": "map-pin", "fields": [{"id": "city", "label": "City", "type": "string"}]},
                {"id": "done", "label": "Done", "icon": "check", "components": [text("That is all there is to say.")]},
            ],
            "submit_action": "save_team",
            "submit_label": "Add the team",
        },
    ),
    example("upload", {"type": "upload", "label": "Choose files", "action": "upload", "accept": ".txt,.ics,text/*", "max_size": 1000000, "multiple": True}),
]  # fmt: skip

LIVE = [
    example(
        "progress and log",
        {"type": "button", "label": "Count", "action": "count", "icon": "player-play"},
        {"type": "progress", "label": "Counting", "action": "count"},
        {"type": "log", "title": "What it says", "action": "count", "height": 180},
        about="Bound to the last run of an action. Leave the page while it runs, and come back.",
    ),
    example("progress with a value", {"type": "progress", "label": "Full", "value": 65, "color": "teal"}),
    example(
        "poll",
        {
            "type": "poll",
            "action": "status",
            "every_s": 5,
            "until": {"field": "teams", "eq": 0},
            "components": [text("It is {{time}} UTC, and there are {{teams}} teams."), {"type": "details", "items": [{"id": "time", "label": "Time"}, {"id": "teams", "label": "Teams"}]}],
        },
        about="Runs its action again and again; the result fills what stands below it.",
    ),
]  # fmt: skip

TABS = [
    ("layout", "Layout", "layout", LAYOUT),
    ("content", "Content", "typography", CONTENT),
    ("data", "Data", "table", DATA),
    ("figures", "Figures", "chart-bar", FIGURES),
    ("forms", "Forms", "forms", FORMS),
    ("live", "Live", "activity", LIVE),
]
PAGES: dict[str, Node] = {
    "main": {
        "title": "UI Gallery",
        "description": "Every component of plugin pages, beside the source that makes it.",
        "components": [
            {
                "type": "tabs",
                "items": [
                    {"id": key, "label": label, "icon": icon, "components": components}
                    for key, label, icon, components in TABS
                ],
            }
        ],
    },
    "second": {
        "title": "Another page",
        "description": "A plugin may have as many as it likes.",
        "components": [{"type": "button", "label": "Back", "page": "main", "icon": "arrow-left"}],
    },
}
