"""Verification, offline: every chain, every signature, and every head that a checkpoint ever named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skipass.audit.chain import Fault, Record, verify
from skipass.audit.checkpoint import Checkpoint, missing


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found: how many records of how many chains hold, and the first fault of each that does not."""

    records: int
    chains: int
    checkpoints: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults


def check(records: Iterable[Record], checkpoints: Sequence[Checkpoint] = ()) -> Report:
    """Return the report over all records (ordered by sequence within each chain) and all kept checkpoints."""
    named = defaultdict(set)
    for checkpoint in checkpoints:
        for writer, head in checkpoint.heads.items():
            named[checkpoint.tenant_id, writer].add(head.seq)
    seen: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    faults: list[Fault] = []
    count = 0
    for found in verify(records):
        if isinstance(found, Fault):
            faults.append(found)
            continue
        count += 1
        key = (found.tenant_id, found.writer)
        hashes = seen[key]
        if found.seq in named.get(key, ()):
            hashes[found.seq] = found.hash
    broken = {(fault.tenant_id, fault.writer) for fault in faults}
    cut = [f for f in missing(checkpoints, seen) if (f.tenant_id, f.writer) not in broken]
    faults += list({(f.tenant_id, f.writer): f for f in reversed(cut)}.values())
    return Report(count, len(seen) + len(broken - set(seen)), len(checkpoints), tuple(faults))
