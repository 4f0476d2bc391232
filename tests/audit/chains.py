"""Chains to tamper with: several tenants and writers, with signed checkpoints of their heads on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skipass.audit.chain import Head, Record, link
from skipass.audit.checkpoint import Checkpoint, read, sign
from skipass.audit.events import Event
from skipass.audit.verify import Report, check

Key = tuple[str, str]
START = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a gateway left: its chains, by tenant and writer, and the lines of its checkpoint file."""

    chains: dict[Key, list[Record]]
    lines: list[bytes]

    def records(self) -> list[Record]:
        """Return every record, by sequence within each chain."""
        return [record for chain in self.chains.values() for record in chain]

    def report(self) -> Report:
        """Verify it, as the command does: an unsigned line is no checkpoint."""
        return check(self.records(), self.checkpoints())

    def checkpoints(self) -> list[Checkpoint]:
        """Return the checkpoints; raises `chain_broken` for a forged one."""
        return [read(line, KEY.public_key()) for line in self.lines]


def kept(tenants: int = 2, writers: int = 2, length: int = 12) -> Kept:
    """Return chains of equal length; a checkpoint of every head is signed after each quarter, the last at the end."""
    heads: dict[Key, Head] = {(f"tnt_{t}", f"bot_{w}"): Head() for t in range(tenants) for w in range(writers)}
    chains: dict[Key, list[Record]] = {key: [] for key in heads}
    lines: list[bytes] = []
    for n in range(1, length + 1):
        at = START + timedelta(seconds=n)
        for key in heads:
            tenant, writer = key
            event = Event(tenant, "statement.admitted", f"stm_{n}", {"n": n, "text": "ä\u2028"}, f"ses_{n % 3}")
            record, heads[key] = link(heads[key], writer, at, event)
            chains[key].append(record)
        if n % (length // 4) == 0:
            for tenant in {tenant for tenant, _ in heads}:
                own = {writer: head for (of, writer), head in heads.items() if of == tenant}
                lines.append(sign(tenant, at, own, KEY))
    return Kept(chains, lines)
