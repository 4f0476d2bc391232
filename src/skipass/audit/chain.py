"""The hash chain: one per tenant and writer, so that no two writers ever wait for each other.

Record n of a chain carries `seq` n, the hash of record n−1, and its own hash over both and its canonical bytes.
A gap, an edit, a swap or a moved record therefore shows. What a chain cannot show, a cut tail, checkpoints do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson

from skipass.audit.events import Event

GENESIS = "0" * 64
_START = (0, GENESIS)
_COVERED = ("tenant_id", "writer", "seq", "at_us", "kind", "subject", "session_id", "body")
_covered_by_hash = attrgetter(*_COVERED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one chain: the last sequence number and its hash; zero and `GENESIS` before the first record."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Record:
    """One chained event, as stored and exported. `at_us` is UTC microseconds since 1970; `body` is canonical JSON."""

    tenant_id: str
    writer: str
    seq: int
    at_us: int
    kind: str
    subject: str
    session_id: str | None
    body: str
    prev_hash: str
    hash: str

    def content(self) -> dict[str, Any]:
        """Return the body as an object."""
        content: dict[str, Any] = orjson.loads(self.body)
        return content


def record_hash(record: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 that the record's `hash` must equal."""
    return _hashed(record["prev_hash"], [record[k] for k in _COVERED])


def _hashed(prev_hash: str, covered: Sequence[Any]) -> str:
    return hashlib.sha256(prev_hash.encode() + b"\n" + orjson.dumps(covered)).hexdigest()


def link(head: Head, writer: str, at: datetime, event: Event) -> tuple[Record, Head]:
    """Return the record that extends `head` with `event`, and the new head."""
    shape: dict[str, Any] = {
        "tenant_id": event.tenant_id,
        "writer": writer,
        "seq": head.seq + 1,
        "at_us": micros(at),
        "kind": event.kind,
        "subject": event.subject,
        "session_id": event.session_id,
        "body": orjson.dumps(dict(event.body), option=orjson.OPT_SORT_KEYS).decode(),
        "prev_hash": head.hash,
    }
    record = Record(**shape, hash=record_hash(shape))
    return record, Head(record.seq, record.hash)


def micros(at: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def line_of(record: Record) -> bytes:
    """Return one line of an export: every field of the record as stored, so that its hash can be computed again."""
    return orjson.dumps(asdict(record), option=orjson.OPT_APPEND_NEWLINE)


def wrong_with(record: Record, head: Head) -> str | None:
    """Return what is wrong with a record as the next one after `head`, None where it extends it."""
    return _fault(head.seq, head.hash, record)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong with a chain: where, and in one sentence what."""

    tenant_id: str
    writer: str
    seq: int
    what: str


def verify(records: Iterable[Record]) -> Iterator[Fault | Record]:
    """Yield each record that verifies, and a `Fault` for the first one of each chain that does not.

    `records` come ordered by sequence number within each (tenant, writer); chains may interleave. After the fault of
    a chain nothing more of it is yielded.
    """
    heads: dict[tuple[str, str], tuple[int, str] | None] = {}
    for record in records:
        key = (record.tenant_id, record.writer)
        head = heads.get(key, _START)
        if head is None:
            continue
        what = _fault(*head, record)
        heads[key] = None if what else (record.seq, record.hash)
        yield Fault(record.tenant_id, record.writer, record.seq, what) if what else record


def _fault(seq: int, last: str, record: Record) -> str | None:
    if record.seq != seq + 1:
        return f"records {seq + 1} to {record.seq - 1} are missing" if record.seq > seq else "the order is broken"
    if record.prev_hash != last:
        return "the previous hash does not match the record before it"
    if _hashed(last, _covered_by_hash(record)) != record.hash:
        return "the hash does not match the content"
    return None
