"""Calls `stop`, `on_enable` and `on_disable` the ways that plugins declare them."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def _call(hook: Callable[..., Any], context: Mapping[str, Any]) -> None:
    """With the context, or without where it takes none; a TypeError from inside the hook is no reason to repeat it."""
    try:
        inspect.signature(hook).bind(context)
    except TypeError:
        hook()
    except ValueError:  # a callable that has no signature
        try:
            hook(context)
        except TypeError:
            hook()
    else:
        hook(context)


def call_hook(plugin: Any, name: str, context: Mapping[str, Any]) -> None:
    """Call `on_enable` or `on_disable` where it exists."""
    hook = getattr(plugin, name, None)
    if callable(hook):
        _call(hook, context)


def call_stop(plugin: Any, context: Mapping[str, Any]) -> None:
    """Call `stop`, or the action of that name where there is no method."""
    stop = getattr(plugin, "stop", None)
    if callable(stop):
        _call(stop, context)
    elif "stop" in context["actions"]:
        plugin.run("stop", {}, context)
