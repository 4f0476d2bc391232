"""Every tampering with a copy of the record shows, and the first record it touched is named."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.chains import KEY, START, Kept, Key, kept
from skipass.audit.chain import GENESIS, Fault, Head, Record, link, record_hash, verify
from skipass.audit.checkpoint import read, sign
from skipass.audit.events import EVENT_KINDS, Event
from skipass.errors import SkipassError

COPIES = 1_000
ORIGINAL = kept()
Named = tuple[Key, int]
FIELDS = ("tenant_id", "writer", "at_us", "kind", "subject", "session_id", "body", "prev_hash", "hash")


def copy() -> Kept:
    return Kept({key: list(chain) for key, chain in ORIGINAL.chains.items()}, list(ORIGINAL.lines))


def spot(chance: random.Random, of: Kept) -> tuple[Key, int]:
    """Return a chain and a place in it."""
    key = chance.choice(sorted(of.chains))
    return key, chance.randrange(len(of.chains[key]))


def other(value: Any, chance: random.Random) -> Any:
    """Return a value of the same type that is another."""
    if isinstance(value, int):
        return value + chance.choice([-1, 1])
    if not value:
        return "x"
    at = chance.randrange(len(value))
    return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]


def edit(of: Kept, chance: random.Random) -> Named:
    """Change one field of one record."""
    key, at = spot(chance, of)
    record, name = of.chains[key][at], chance.choice(FIELDS[2:])
    of.chains[key][at] = replace(record, **{name: other(getattr(record, name), chance)})
    return key, at + 1


def edit_and_rehash(of: Kept, chance: random.Random) -> Named:
    """Change one record and give it the hash of its new content; the next one, or the checkpoint, does not follow."""
    key, at = spot(chance, of)
    shape = {name: getattr(of.chains[key][at], name) for name in Record.__slots__} | {"subject": "stm_0"}
    of.chains[key][at] = Record(**shape | {"hash": record_hash(shape)})
    return key, at + 2


def rewrite_the_rest(of: Kept, chance: random.Random) -> Named:
    """Change one record and chain everything after it anew: only the checkpoints still know."""
    key, at = spot(chance, of)
    chain = of.chains[key]
    head = Head(at, chain[at - 1].hash) if at else Head()
    for n in range(at, len(chain)):
        body = orjson.loads(chain[n].body) | {"n": 0}
        event = Event(key[0], chain[n].kind, chain[n].subject, body, chain[n].session_id)
        chain[n], head = link(head, key[1], START + timedelta(seconds=n), event)
    return key, next(seq for seq in signed_heads() if seq > at)


def delete(of: Kept, chance: random.Random) -> Named:
    """Remove a record from the middle."""
    key, at = spot(chance, of)
    at = min(at, len(of.chains[key]) - 2)
    del of.chains[key][at]
    return key, at + 2


def cut(of: Kept, chance: random.Random) -> Named:
    """Cut the tail, down to nothing at most: the first checkpointed head beyond the cut is missing."""
    key, at = spot(chance, of)
    del of.chains[key][at:]
    return key, next(seq for seq in signed_heads() if seq > at)


def drop(of: Kept, chance: random.Random) -> Named:
    """Remove a whole chain."""
    key = chance.choice(sorted(of.chains))
    del of.chains[key]
    return key, signed_heads()[0]


def swap(of: Kept, chance: random.Random) -> Named:
    """Exchange what two records of a chain say, each keeping its number."""
    key, one = spot(chance, of)
    chain, two = of.chains[key], chance.choice([n for n in range(len(of.chains[key])) if n != one])
    first, second = sorted((one, two))
    a, b = chain[first], chain[second]
    chain[first], chain[second] = replace(b, seq=a.seq), replace(a, seq=b.seq)
    return key, first + 1


def move(of: Kept, chance: random.Random) -> Named:
    """Put a record in the place of another chain's or tenant's record of the same number."""
    home, at = spot(chance, of)
    away = chance.choice([key for key in sorted(of.chains) if key != home])
    of.chains[away][at] = replace(of.chains[home][at], tenant_id=away[0], writer=away[1])
    return away, at + 1


def repeat(of: Kept, chance: random.Random) -> Named:
    """Put a record in twice."""
    key, at = spot(chance, of)
    of.chains[key].insert(at, of.chains[key][at])
    return key, at + 1


def signed_heads() -> list[int]:
    """Return the sequence numbers that checkpoints name: the same in every chain."""
    return sorted({head.seq for line in ORIGINAL.checkpoints() for head in line.heads.values()})


WAYS: list[Callable[[Kept, random.Random], Named]] = [
    edit, edit_and_rehash, rewrite_the_rest, delete, cut, drop, swap, move, repeat,
]  # fmt: skip


def test_the_untouched_record_verifies() -> None:
    """Nothing is found where nothing was done, with records of several chains and their checkpoints."""
    report = ORIGINAL.report()
    assert report.ok
    assert (report.records, report.chains, report.checkpoints) == (48, 4, 8)


def test_a_thousand_tampered_copies_are_found() -> None:
    """Of a thousand random tamperings all are found, and each report names the first record that is wrong."""
    seed = int(os.environ.get("SKIPASS_SEED", "0")) or random.SystemRandom().getrandbits(32)
    chance = random.Random(seed)
    for nth in range(COPIES):
        tampered, way = copy(), WAYS[nth % len(WAYS)]
        key, seq = way(tampered, chance)
        told = f"SKIPASS_SEED={seed}, copy {nth}, {way.__name__} at {key} {seq}"
        faults = tampered.report().faults
        assert len(faults) == 1, told
        found = faults[0]
        last = len(ORIGINAL.chains[key])
        # Where the last record was given a right hash of its own, the checkpoint that named it tells.
        expected = min(seq, last)
        assert (found.tenant_id, found.writer, found.seq) == (*key, expected), f"{told}: {found}"


@pytest.mark.parametrize("way", [edit, cut, swap], ids=lambda way: way.__name__)
def test_one_broken_chain_hides_no_other(way: Callable[[Kept, random.Random], Named]) -> None:
    """Two chains tampered with give two faults, and the records of the others are still counted as good."""
    seed = random.SystemRandom().getrandbits(32)
    chance, tampered, touched = random.Random(seed), copy(), set()
    while len(touched) < 2:
        fresh = Kept({k: c for k, c in tampered.chains.items() if k not in touched}, [])
        touched.add(way(fresh, chance)[0])
        tampered.chains.update(fresh.chains)
    report = tampered.report()
    assert {(fault.tenant_id, fault.writer) for fault in report.faults} == touched, f"seed {seed}"
    assert report.records >= 24


@pytest.mark.parametrize("what", ["heads", "at", "tenant", "signature", "another key", "no JSON", "no object"])
def test_a_forged_checkpoint_is_refused(what: str) -> None:
    """A checkpoint that was changed in any part, or signed by another key, is none."""
    line = ORIGINAL.lines[0]
    outer = orjson.loads(line)
    inner = outer["checkpoint"]
    writer = next(iter(inner["heads"]))
    match what:
        case "heads":
            inner["heads"][writer][0] += 1
        case "at":
            inner["at"] = "2026-03-02T00:00:00+00:00"
        case "tenant":
            inner["tenant_id"] = "tnt_9"
        case "signature":
            outer["signature"] = orjson.loads(ORIGINAL.lines[1])["signature"]
    forged = orjson.dumps(outer)
    if what == "another key":
        forged = sign(inner["tenant_id"], START, {}, Ed25519PrivateKey.generate())
    forged = {"no JSON": line[:-9], "no object": b"[]"}.get(what, forged)
    with pytest.raises(SkipassError) as refused:
        read(forged, KEY.public_key())
    assert refused.value.code == "chain_broken"


def test_a_tail_cut_after_the_last_checkpoint_is_what_only_the_next_one_shows() -> None:
    """Without its checkpoints a cut chain verifies: that is why they are kept elsewhere."""
    tampered = copy()
    for chain in tampered.chains.values():
        chain.pop()
    assert Kept(tampered.chains, []).report().ok
    assert len(tampered.report().faults) == 4


plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
bodies = st.dictionaries(st.text(), plain | st.lists(plain, max_size=3), max_size=4)
events = st.builds(
    Event,
    st.just("tnt_1"),
    st.sampled_from(sorted(EVENT_KINDS)),
    st.text(),
    bodies,
    st.none() | st.text(),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, min_size=1, max_size=8))
def test_any_events_make_a_chain_that_verifies(facts: list[Event]) -> None:
    """Whatever the facts say, their chain starts at genesis, has no gap, verifies, and gives their bodies back."""
    head, records = Head(), []
    for n, event in enumerate(facts):
        record, head = link(head, "bot_1", START + timedelta(microseconds=n), event)
        records.append(record)
    assert records[0].prev_hash == GENESIS
    assert [record.seq for record in records] == list(range(1, len(facts) + 1))
    assert not [found for found in verify(records) if isinstance(found, Fault)]
    assert [record.content() for record in records] == [dict(event.body) for event in facts]


def test_only_known_kinds_are_recorded() -> None:
    """An event of a kind that is not documented cannot be made."""
    with pytest.raises(ValueError, match="unknown event kind"):
        Event("tnt_1", "statement.forgotten", "stm_1")
