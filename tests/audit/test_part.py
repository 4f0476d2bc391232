"""A part of the record: what of it is proven, and that every tampering with it shows."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from audit.chains import Kept, kept
from skipass.audit.chain import Record, record_hash
from skipass.audit.part import PartReport, check_part

ORIGINAL = kept()
SIGNED = ORIGINAL.checkpoints()


def part(first: int, last: int, of: Kept = ORIGINAL) -> list[Record]:
    """Return what each chain holds between two sequence numbers."""
    return [record for record in of.records() if first <= record.seq <= last]


def numbers(report: PartReport) -> tuple[int, int, int]:
    return report.records, report.runs, report.proven


def test_a_span_is_proven_up_to_its_last_signed_head() -> None:
    """Of the events 5 to 11 of four chains those up to 9, which is signed, are proven; without signatures none is."""
    report = check_part(part(5, 11), SIGNED)
    assert (report.ok, numbers(report)) == (True, (28, 4, 20))
    assert numbers(check_part(part(5, 11))) == (28, 4, 0)


def test_a_gap_begins_another_run() -> None:
    """What one session left is in pieces; only a piece that reaches a signed head is proven."""
    records = [record for record in part(1, 12) if record.session_id == "ses_0"]
    report = check_part(records, SIGNED)
    assert (report.ok, numbers(report)) == (True, (16, 16, 16))
    records = [record for record in part(1, 12) if record.session_id == "ses_1"]
    assert numbers(check_part(records, SIGNED)) == (16, 16, 0)


def rehashed(record: Record, **changes: object) -> Record:
    shape = {name: getattr(record, name) for name in Record.__slots__} | changes
    return Record(**{**shape, "hash": record_hash(shape)})


@pytest.mark.parametrize("seed", range(20))
def test_every_change_shows(seed: int) -> None:
    """A changed field, a swapped order, or a forged event where a signed head should be is a fault at that event."""
    chance = random.Random(seed)
    records = part(4, 9)
    at = chance.randrange(len(records))
    forged = records[at]
    records[at] = replace(forged, body='{"n":0}')
    (fault,) = check_part(records, SIGNED).faults
    assert (fault.tenant_id, fault.writer, fault.seq) == (forged.tenant_id, forged.writer, forged.seq)
    records[at] = rehashed(forged, body='{"n":0}')
    report = check_part(records, SIGNED)
    assert (len(report.faults), forged.writer in {one.writer for one in report.faults}) == (1, True)
    chain = [record for record in part(4, 9) if record.writer == "bot_0" and record.tenant_id == "tnt_0"]
    assert check_part(chain[::-1]).faults[0].what == "the order is broken"
