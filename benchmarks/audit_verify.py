"""How fast a record is verified: chains of several writers with signed checkpoints, in memory, one core."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skipass.audit.chain import Head, Record, link
from skipass.audit.checkpoint import Checkpoint, read, sign
from skipass.audit.events import Event
from skipass.audit.verify import check

WANTED = 200_000
WRITERS = 4
_START = datetime(2026, 1, 1, tzinfo=UTC)


def kept(count: int) -> tuple[list[Record], list[Checkpoint]]:
    """Return `count` records of one tenant and a checkpoint of all heads for each thousand."""
    key = Ed25519PrivateKey.generate()
    heads = {f"bot_{writer}": Head() for writer in range(WRITERS)}
    chains: dict[str, list[Record]] = {writer: [] for writer in heads}
    signed: list[Checkpoint] = []
    for n in range(count):
        writer = f"bot_{n % WRITERS}"
        body = {"from": "admitted", "to": "submitted", "handle": f"01b2c3d4-{n:08d}"}
        event = Event("tnt_bench", "statement.submitted", f"stm_{n}", body, f"ses_{n % 97}")
        record, heads[writer] = link(heads[writer], writer, _START + timedelta(milliseconds=n), event)
        chains[writer].append(record)
        if n % 1_000 == 999:
            signed.append(read(sign("tnt_bench", _START, heads, key), key.public_key()))
    return [record for chain in chains.values() for record in chain], signed


def main(count: int = 200_000, rounds: int = 3) -> None:
    """Print records verified in a second, the median of `rounds`."""
    records, signed = kept(count)
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        report = check(records, signed)
        rates.append(count / (time.perf_counter() - started))
        assert report.ok
        assert report.records == count
    print(f"audit verify                  {statistics.median(rates):>12,.0f} records/s   (wanted: {WANTED:,})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
