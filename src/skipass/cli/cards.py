"""An approval as the person sees it who decides: who asks, for whom, why, and exactly what would run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.cli.output import cell
from skipass.cli.visible import visible

_ASKED = ("state", "subject", "expires_at", "quorum")
_SESSION = ("agent_id", "user_id", "connection_id", "role", "warehouse", "scope", "ttl_s", "reason")
_STATEMENT = ("kind", "reads", "writes")


def card(approval: Mapping[str, Any]) -> str:
    """Return the card of `GET /approvals/{id}` as text; what would not show in it is spelled out."""
    return "\n".join(_lines(approval))


def _lines(approval: Mapping[str, Any]) -> Iterator[str]:
    yield f"Approval {visible(approval['id'])}"
    yield from _members(approval, _ASKED)
    if approval.get("session"):
        yield f"\nSession {visible(approval['session']['id'])}"
        yield from _members(approval["session"], _SESSION)
    if approval.get("statement"):
        yield from _statement(approval)
    for decision in approval.get("decisions") or ():
        word = "approved" if decision["approved"] else "denied"
        yield f"\n{decision['at']}  {word} by {visible(decision['user_id'])}: {visible(decision['reason'])}"


def _statement(approval: Mapping[str, Any]) -> Iterator[str]:
    yield f"\nStatement {visible(approval['statement']['id'])}"
    yield from _members(approval["statement"], _STATEMENT)
    yield "\nExactly this would run, once:\n"
    for line in (approval["text"] or "").split("\n"):
        yield f"  | {visible(line, keep=chr(9))}"
    if approval.get("bindings"):
        yield "\nwith these values:"
        yield from (f"  {name}: {cell(value)}" for name, value in approval["bindings"].items())


def _members(value: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if value.get(name) not in (None, []):
            yield f"  {name:<13} {cell(value[name])}"
