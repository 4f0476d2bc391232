"""An approval as the person sees it who decides: who asks, for whom, why, and exactly what would run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.cli.output import cell
from skipass.cli.visible import visible

_ASKED = ("state", "subject", "expires_at", "quorum")
_SESSION = ("connection_id", "role", "warehouse", "scope", "ttl_s")
_STATEMENT = ("kind", "reads", "writes")


def card(shown: Mapping[str, Any]) -> str:
    """Return the card of `GET /approvals/{id}` as text; what would not show in it is spelled out."""
    return "\n".join(_lines(shown))


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"Approval {visible(shown['approval']['id'])}"
    yield from _members(shown["approval"], _ASKED)
    people = {"agent": shown["agent"], "for": shown["for_user"]}
    named = {who: f"{one['name']} ({one['id']})" for who, one in people.items() if one}
    yield from _members({**named, "reason": shown["reason"]}, ("agent", "for", "reason"))
    if shown["session"]:
        yield f"\nSession {visible(shown['session']['id'])}"
        yield from _members(shown["session"], _SESSION)
    if shown["statement"]:
        yield from _statement(shown)
    for decision in shown["decisions"]:
        word = "approved" if decision["approved"] else "denied"
        yield f"\n{decision['at']}  {word} by {visible(decision['user_id'])}: {visible(decision['reason'])}"


def _statement(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"\nStatement {visible(shown['statement']['id'])}"
    yield from _members(shown["statement"], _STATEMENT)
    yield "\nExactly this would run, once:\n"
    for line in (shown["text"] or "").split("\n"):
        yield f"  | {visible(line, keep=chr(9))}"
    if shown["bindings"]:
        yield "\nwith these values:"
        yield from (f"  {name}: {cell(value)}" for name, value in shown["bindings"].items())


def _members(value: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if value.get(name) not in (None, []):
            yield f"  {name:<13} {cell(value[name])}"
