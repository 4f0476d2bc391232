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
        if shown["session"]["break_glass"]:
            yield "  The glass is broken for it: everybody is told, and it is reviewed afterwards."
    if shown["statement"]:
        yield from _statement(shown)
    for decision in shown["decisions"]:
        word = "approved" if decision["approved"] else "denied"
        who = visible(decision["name"] or decision["user_id"])
        yield f"\n{decision['at']}  {word} by {who}: {visible(decision['reason'])}"


def _statement(shown: Mapping[str, Any]) -> Iterator[str]:
    yield f"\nStatement {visible(shown['statement']['id'])}"
    yield from _members(shown["statement"], _STATEMENT)
    yield from _members(shown, ("words",))
    yield "\nExactly this would run, once:\n"
    for line in (shown["text"] or "").split("\n"):
        yield f"  | {visible(line, keep=chr(9))}"
    if shown["bindings"]:
        yield "\nwith these values:"
        yield from (f"  {name}: {cell(value)}" for name, value in shown["bindings"].items())

    yield from _foreseen(shown)


def _foreseen(shown: Mapping[str, Any]) -> Iterator[str]:
    if before := shown["before"]:
        ended = ", ".join(f"{count} {visible(state)}" for state, count in before["states"].items())
        times = f"{before['times']} of the agent's last {before['among']}"
        yield f"\nSame text before: {times}{f' ({ended})' if ended else ''}"
    if counted := shown["affected_rows"]:
        yield f"Rows it would change: {_or_why(cell(counted['rows']), counted)}"
    if plan := shown["explain"]:
        yield f"EXPLAIN: {_or_why('see below' if plan['rows'] else '', plan)}"
        yield from (f"  | {cell(row)}" for row in plan["rows"] or ())
    if undo := shown["undo"]:
        yield f"Undo: {visible(undo['why'])}"
        yield from (f"  | {visible(line, keep=chr(9))}" for line in (undo["text"] or "").split("\n") if line)


def _or_why(known: str, answer: Mapping[str, Any]) -> str:
    return known or f"cannot say: {visible(answer['why'])}"


def _members(value: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if value.get(name) not in (None, []):
            yield f"  {name:<13} {cell(value[name])}"
