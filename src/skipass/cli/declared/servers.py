"""Declared MCP servers held against those that are there: who is let in, in names, whole lists at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.cli.client import segment
from skipass.cli.declared.document import Declared
from skipass.cli.declared.plan import Action, Call, Difference, Step, differences
from skipass.cli.declared.world import View
from skipass.snowflake.errors import SnowflakeConfigError
from skipass.snowflake.mcp.address import parse_server_url

LISTS = ("users", "groups", "agents", "clients", "tools")
ACCESS = (*LISTS, "sessions", "agents_of_connection", "drift")
_OWN: Mapping[str, Any] = {
    **{name: [] for name in LISTS},
    "sessions": "automatic",
    "agents_of_connection": True,
    "drift": "held",
}
"""What the slug lets in that a new connection opens."""


def made(one: Declared) -> Step:
    """Return the step that opens a slug."""
    shown = tuple(Difference(name, None, value) for name, value in one.fields.items())
    return Step("mcp_server", one.name, Action.CREATE, shown, (Call("/mcp-servers", {"slug": one.name, **one.fields}),))


def compared(one: Declared, seen: View | None) -> Step:
    """Return the step that lets in whom the declaration says at a slug that is there, or comes with its connection."""
    wanted = {name: one.fields[name] for name in ACCESS if name in one.fields}
    before = seen if seen is not None else _OWN
    # Who is let in is a set: another order is no other list.
    same = {name: before[name] for name, value in wanted.items() if _alike(value, before[name])}
    found = differences(before, wanted | same)
    calls = (Call(f"/mcp-servers/{segment(one.name)}/change", wanted),) if found else ()
    return Step("mcp_server", one.name, Action.CHANGE if found else Action.SAME, found, calls)


def _alike(wanted: Any, seen: Any) -> bool:
    return isinstance(wanted, list) and sorted(wanted) == sorted(seen)


def faults(one: Declared, seen: View) -> Iterator[str]:
    """Yield what is declared otherwise than it is and stays, with what helps."""
    for name, kept in (("connection", seen["connection"]), ("url", seen["upstream"])):
        wanted = one.fields.get(name)
        if _address(wanted) != kept and not (wanted is None and name == "connection"):
            hint = "a slug stays with what it is over: name another"
            yield f"{one.where}: {name} is {kept!r}, not {wanted!r}; {hint}"
    if seen["state"] != "enabled":
        yield f"{one.where}: it is disabled: skipass mcp-server enable {one.name}"


def _address(wanted: str | None) -> str | None:
    """Return a managed server's address as the gateway keeps it; anything else as it is."""
    try:
        return parse_server_url(wanted).url if wanted else None
    except SnowflakeConfigError:
        return wanted


def bad_slug(one: Declared) -> Iterator[str]:
    """Yield that a slug is none."""
    plain = one.name.replace("-", "").isalnum() and one.name.isascii() and one.name == one.name.lower()
    if not plain or one.name.startswith("-") or len(one.name) > 40:
        yield f"{one.where}: a slug is 1 to 40 of a-z, 0-9 and -"
