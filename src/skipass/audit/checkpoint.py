"""Checkpoints: the heads of all chains of a tenant, signed with Ed25519 and kept outside the database.

A chain alone cannot show that its tail was cut; a checkpoint that names a later head does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from skipass.audit.chain import Fault, Head
from skipass.errors import SkipassError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was true at `at`: for every writer of the tenant, its head."""

    tenant_id: str
    at: str
    heads: Mapping[str, Head]

    def canonical(self) -> bytes:
        """Return the bytes that are signed."""
        heads = {writer: [head.seq, head.hash] for writer, head in self.heads.items()}
        shape = {"tenant_id": self.tenant_id, "at": self.at, "heads": heads}
        return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)


def sign(tenant_id: str, at: datetime, heads: Mapping[str, Head], key: Ed25519PrivateKey) -> bytes:
    """Return one line of a checkpoint file, newline included: the signed object and its signature in base 64."""
    signed = Checkpoint(tenant_id, at.isoformat(), heads).canonical()
    signature = base64.b64encode(key.sign(signed)).decode()
    return orjson.dumps({"checkpoint": orjson.Fragment(signed), "signature": signature}) + b"\n"


def read(line: bytes, key: Ed25519PublicKey) -> Checkpoint:
    """Return the checkpoint of one line, or raise `chain_broken` when its form or signature is wrong."""
    try:
        outer: dict[str, Any] = orjson.loads(line)
        inner = outer["checkpoint"]
        heads = {str(writer): Head(int(seq), str(hash_)) for writer, (seq, hash_) in inner["heads"].items()}
        checkpoint = Checkpoint(str(inner["tenant_id"]), str(inner["at"]), heads)
        key.verify(base64.b64decode(outer["signature"], validate=True), checkpoint.canonical())
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise SkipassError("chain_broken", "A checkpoint does not carry a valid signature.") from error
    return checkpoint


def missing(checkpoints: Iterable[Checkpoint], seen: Mapping[tuple[str, str], Mapping[int, str]]) -> list[Fault]:
    """Return a fault for every checkpointed head that the records do not hold.

    `seen` gives, for each (tenant, writer), the hash of every verified record that a checkpoint names.
    """
    faults = []
    for checkpoint in checkpoints:
        for writer, head in checkpoint.heads.items():
            found = seen.get((checkpoint.tenant_id, writer), {})
            if head.seq and found.get(head.seq) != head.hash:
                what = f"the checkpoint of {checkpoint.at} names record {head.seq}, which is missing or different"
                faults.append(Fault(checkpoint.tenant_id, writer, head.seq, what))
    return faults
