"""Verification of a part of the record: a span of time, or what one session left, without what came before.

Each event's own hash is computed again, and where two neighbours of a chain are there, their link. That an event stands
in the record itself is proven only by a signed head at it, or after it without a gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skipass.audit.chain import Fault, Head, Record, wrong_with
from skipass.audit.checkpoint import Checkpoint


@dataclass(frozen=True, slots=True)
class PartReport:
    """What was found: events whose hash holds, how many runs without a gap they form, and how many are `proven`.

    `checkpoints` is how many signed heads were compared with.
    """

    records: int
    runs: int
    proven: int
    checkpoints: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults


@dataclass(slots=True)
class _Chain:
    """One chain as it is walked: the last event that held, and how many since the last one that is proven."""

    head: Head
    waiting: int = 0
    broken: bool = False


def check_part(records: Iterable[Record], checkpoints: Sequence[Checkpoint] = ()) -> PartReport:
    """Return the report over records that are in order within each chain; a chain may begin anywhere, and have gaps."""
    named: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for one in checkpoints:
        for writer, head in one.heads.items():
            named[one.tenant_id, writer, head.seq].add(head.hash)
    chains: dict[tuple[str, str], _Chain] = {}
    faults: list[Fault] = []
    count = runs = proven = 0
    for record in records:
        key = (record.tenant_id, record.writer)
        follows = key in chains and record.seq == chains[key].head.seq + 1
        chain = chains.setdefault(key, _Chain(Head()))
        if chain.broken:
            continue
        what = _wrong(record, chain.head, follows=follows)
        signed = named.get((*key, record.seq))
        if what is None and signed and signed != {record.hash}:
            what = "a signed checkpoint names another hash for it"
        if what is not None:
            faults.append(Fault(record.tenant_id, record.writer, record.seq, what))
            chain.broken = True
            continue
        count, runs = count + 1, runs + (not follows)
        chain.waiting = chain.waiting + 1 if follows else 1
        chain.head = Head(record.seq, record.hash)
        if signed:
            proven, chain.waiting = proven + chain.waiting, 0
    return PartReport(count, runs, proven, len(checkpoints), tuple(faults))


def _wrong(record: Record, head: Head, *, follows: bool) -> str | None:
    if record.seq <= head.seq:
        return "the order is broken"
    return wrong_with(record, head if follows else Head(record.seq - 1, record.prev_hash))
