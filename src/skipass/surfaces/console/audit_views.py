"""What the pages of the record show, as plain values. No rule lives here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from skipass.audit.chain import Head, Record
from skipass.audit.events import EVENT_KINDS
from skipass.gateway.proving import Proven
from skipass.gateway.searching import Placed, Step
from skipass.gateway.signed import Kept
from skipass.surfaces.console.highlight import MOST, highlighted

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BRIEF = 600


def row_values(record: Record) -> dict[str, Any]:
    """Return one event of a list; a long body is cut."""
    return {
        "at": _at(record),
        "kind": record.kind,
        "subject": record.subject,
        "session": record.session_id if (record.session_id or "").startswith("ses_") else None,
        "body": record.body[:_BRIEF] + ("…" if len(record.body) > _BRIEF else ""),
        "address": _address(record),
        "hash": record.hash,
    }


def whole_values(record: Record) -> dict[str, Any]:
    """Return one event with all of its body, a member a line."""
    body = orjson.dumps(record.content(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    return {**row_values(record), "body": body, "means": EVENT_KINDS.get(record.kind, "")}


def event_values(placed: Placed, signed: Sequence[Kept]) -> dict[str, Any]:
    """Return one event with its place in its chain, and the newest signed head of that chain."""
    record = placed.record
    named = [one.checkpoint for one in signed if one.checkpoint and record.writer in one.checkpoint.heads]
    covers = [one for one in named if one.heads[record.writer].seq >= record.seq]
    return {
        "event": whole_values(record),
        "writer": record.writer,
        "seq": record.seq,
        "prev_hash": record.prev_hash,
        "wrong": placed.wrong,
        "before": _address(placed.before) if placed.before else None,
        "after": _address(placed.after) if placed.after else None,
        "signed": _signed(covers[0].heads[record.writer], covers[0].at) if covers else None,
    }


def step_values(step: Step) -> dict[str, Any]:
    """Return one event of a session, with the statement it is about."""
    told: dict[str, Any] = {"event": whole_values(step.record), "more": step.more, "statement": None}
    if step.statement is not None:
        statement, text = step.statement
        told["statement"] = {"id": statement.id, "text": highlighted(text), "more": max(0, len(text) - MOST)}
    return told


def checkpoint_values(one: Kept) -> dict[str, Any]:
    """Return one signed checkpoint, or a line that carries no valid signature."""
    found = one.checkpoint
    heads = sorted(found.heads.items(), key=lambda each: each[0], reverse=True) if found else []
    return {
        "place": one.line.begins,
        "at": datetime.fromisoformat(found.at) if found else None,
        "chains": len(heads),
        "writer": heads[0][0] if heads else "",
        "seq": heads[0][1].seq if heads else 0,
        "hash": heads[0][1].hash if heads else "",
    }


def proven_values(proven: Proven) -> dict[str, Any]:
    """Return what verification found."""
    return {
        "records": proven.records,
        "chains": proven.chains,
        "checkpoints": proven.checkpoints,
        "older": proven.older,
        "newest": datetime.fromisoformat(proven.newest.at) if proven.newest else None,
        "since": datetime.fromisoformat(proven.since.at) if proven.since else None,
        "unsigned": proven.unsigned,
        "faults": [{"writer": one.writer, "seq": one.seq, "what": one.what} for one in proven.faults],
    }


def _signed(head: Head, at: str) -> dict[str, Any]:
    return {"seq": head.seq, "hash": head.hash, "at": datetime.fromisoformat(at)}


def _at(record: Record) -> datetime:
    return _EPOCH + timedelta(microseconds=record.at_us)


def _address(record: Record) -> str:
    return f"{record.writer}-{record.seq}"
