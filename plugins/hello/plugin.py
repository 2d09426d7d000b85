"""The smallest plugin: settings, one action, and `run`."""


class Plugin:
    name = "Hello"
    version = "1.0.0"
    description = "Says hello: the smallest plugin there is, to copy and to try things with."

    fields = [
        {
            "id": "greeting",
            "label": "Greeting",
            "type": "string",
            "default": "Hello",
            "help_text": "The word that the greeting begins with",
        },
        {"id": "excited", "label": "Excited", "type": "boolean", "default": True},
    ]

    actions = [
        {"id": "say_hello", "label": "Say hello", "description": "Greets the world, or whom you name"},
    ]

    def run(self, action: str, params: dict, context: dict) -> dict:
        if action == "say_hello":
            settings = context["settings"]
            name = str(params.get("name") or "world")
            context["logger"].info("Greeting %s", name)
            end = "!" if settings["excited"] else "."
            return {"status": "ok", "message": f"{settings['greeting']}, {name}{end}"}
        return {"status": "error", "message": f"Unknown action: {action}"}
