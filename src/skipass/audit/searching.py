"""What is looked for in the record, and what was found: plain values. Knows no storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skipass.audit.chain import Record

Place = tuple[int, str, int]
"""Where a record stands in order of time: microseconds, writer, sequence number."""
START: Place = (-1, "", 0)


@dataclass(frozen=True, slots=True)
class Search:
    """Which records of a tenant are wanted: after a place and before a moment in microseconds, or `backward` from it.

    A session, a subject or a kind is found by an index. Then the rest narrows what was found: `named` are ids that a
    record must be about, name, or belong to by its session; `text` stands somewhere in its body. At most `window`
    records are looked at, and `limit` returned.
    """

    tenant_id: str
    after: Place = START
    until_us: int | None = None
    session_id: str | None = None
    subject: str | None = None
    kind: str | None = None
    named: tuple[str, ...] = ()
    text: str = ""
    backward: bool = False
    window: int = 1000
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The records that fit, and the place to go on from: None where there is nothing more to look at."""

    records: Sequence[Record]
    onward: Place | None


def place_of(record: Record) -> Place:
    """Return where a record stands in order of time."""
    return record.at_us, record.writer, record.seq
