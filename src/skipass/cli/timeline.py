"""A session's record as people read it: who and why, then everything that happened, in order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skipass.cli.output import cell
from skipass.cli.visible import visible

_HEAD = ("state", "end_reason", "connection_id", "agent_id", "user_id", "role", "warehouse", "scope", "reason")
_TIMES = ("requested_at", "opened_at", "expires_at", "closed_at")
# Told by the line itself or by the head, or sealed and of use only to whoever verifies.
_UNTOLD = frozenset({"from", "to", "intent", "original", "intent_hash", "reasons", "owner_boot"})
_IN_HEAD = frozenset({*_HEAD, *_TIMES})


def timeline(record: Mapping[str, Any]) -> str:
    """Return the record of `GET /sessions/{id}/record` as text; times are UTC, nothing in it is hidden."""
    return "\n".join([*_head(record["session"]), "", *_events(record)])


def _head(session: Mapping[str, Any]) -> Iterator[str]:
    yield f"Session {visible(session['id'])}"
    for name in (*_HEAD, *_TIMES):
        if session.get(name) is not None:
            yield f"  {name:<13} {cell(session[name])}"


def _events(record: Mapping[str, Any]) -> Iterator[str]:
    texts = {one["id"]: one for one in record["statements"]}
    for event in record["events"]:
        yield f"{event['at']}  {event['kind']:<21} {visible(event['subject'])}"
        statement = texts.pop(event["subject"], None)
        if statement is not None:
            yield from _statement(statement)
        yield from _facts(event["body"], record["session"])


def _facts(body: Mapping[str, Any], session: Mapping[str, Any]) -> Iterator[str]:
    """What the event says beyond its line: one line, without what is empty or stands in the head already."""
    told = {name: value for name, value in body.items() if name not in _UNTOLD and value not in (None, [], "")}
    told = {name: value for name, value in told.items() if name not in _IN_HEAD or value != session.get(name)}
    if told:
        yield "    " + "  ".join(f"{name}={cell(value)}" for name, value in told.items())


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    """The text stands under the first event of its statement, with the reasons of its verdict."""
    for line in (statement["text"] or "").splitlines():
        yield f"    | {visible(line, keep=chr(9))}"
    for reason in statement["reasons"]:
        yield f"    {reason.get('code', 'reason')}: {cell(reason.get('message'))}"
