"""The pages that the gateway draws itself: without scripts, so that any policy lets them through."""

import json
from collections.abc import Iterable
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}
pre{overflow:auto;padding:.6rem;border:1px solid #8886;border-radius:6px}
details{border:1px solid #8886;border-radius:6px;margin:.4rem 0;padding:.3rem .7rem}
summary{cursor:pointer}
table{border-collapse:collapse}td,th{padding:.15rem .7rem .15rem 0;text-align:left;vertical-align:top}
.verb{display:inline-block;min-width:4.5rem;font-weight:700}
.bad{color:#c22}.good{color:#2a7d2a}
@media(prefers-color-scheme:dark){.bad{color:#f88}.good{color:#8d8}}
"""


def home(ready: bool, checks: dict[str, str]) -> bytes:
    """What is served at / while no UI is built: how to get one, and how the platform is."""
    state = "ready" if ready else "not ready"
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="{"good" if found == "ok" else "bad"}">{escape(found)}</td></tr>'
        for name, found in checks.items()
    )
    body = f"""<h1>Plugarr</h1>
<p>The gateway runs, and is <strong class="{"good" if ready else "bad"}">{state}</strong>.</p>
<table>{rows}</table>
<h2>The web UI is not built</h2>
<p>In the repository, <code>make setup</code> builds it into <code>frontend/dist</code>, and so does <code>make run</code>;
then load this page again, the gateway need not be restarted. One that was built elsewhere is served from the folder
that <code>PLUGARR_UI_DIR</code> names.</p>
<h2>Meanwhile</h2>
<ul><li><a href="/docs">The HTTP API</a> (<a href="/openapi.json">OpenAPI</a>)</li>
<li><a href="/asyncapi">The bus, for outside publishers</a> (AsyncAPI)</li>
<li><a href="/readyz">How ready it is</a>, <a href="/metrics">what it counted</a></li></ul>"""
    return _page("Plugarr", body)


def docs(document: dict[str, Any], services: Iterable[str]) -> bytes:
    """OpenAPI for people: a plain rendering, since no browser may load scripts from elsewhere."""
    parts = [f"<h1>{escape(document['info']['title'])}</h1>"]
    parts += [f"<p>{escape(text)}</p>" for text in document["info"]["description"].split("\n\n")]
    links = ", ".join(f'<a href="/asyncapi/{name}">{name}</a>' for name in services)
    parts.append(
        '<p><a href="/openapi.json">OpenAPI</a> for machines. The bus: '
        f'<a href="/asyncapi">AsyncAPI for outside publishers</a>, and of each service: {links}.</p>'
    )
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>")
        for path, methods in document["paths"].items():
            parts += [
                _operation(method, path, entry)
                for method, entry in methods.items()
                if tag["name"] in entry["tags"]
            ]
    parts.append("<h2>Schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(
            f'<details id="{escape(name)}"><summary>{escape(name)}</summary>{_json(schema)}</details>'
        )
    return _page("Plugarr: the HTTP API", "".join(parts))


def _operation(method: str, path: str, entry: dict[str, Any]) -> str:
    level = entry.get("x-level", "anybody")
    parts = [f"<p>{escape(entry.get('description', ''))}</p><p>For: <strong>{escape(level)}</strong></p>"]
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{p['in']}</td>"
        f"<td>{escape(p.get('description', ''))} <code>{escape(json.dumps(p['schema']))}</code></td></tr>"
        for p in entry.get("parameters", [])
    )
    if rows:
        parts.append(f"<table>{rows}</table>")
    for media_type, content in entry.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: <code>{escape(media_type)}</code> {_link(content['schema'])}</p>")
        parts += [_json(example["value"]) for example in content.get("examples", {}).values()]
    answers = "".join(
        f"<tr><td>{status}</td><td>{escape(answer['description'])} "
        + " ".join(_link(content["schema"]) for content in answer.get("content", {}).values())
        + "</td></tr>"
        for status, answer in entry["responses"].items()
    )
    parts.append(f"<table>{answers}</table>")
    head = f'<span class="verb">{method.upper()}</span><code>{escape(path)}</code> {escape(entry["summary"])}'
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _link(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    ).encode()
