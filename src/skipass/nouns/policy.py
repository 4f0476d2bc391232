"""Policy version: one text of the rules, as it was applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PolicySource(StrEnum):
    """Where a policy comes from: the deployment's file, or applied by an admin and kept in storage."""

    FILE = "file"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One applied policy; the highest `number` of a tenant is in force.

    `text` is TOML as it was given, `hash` the hex SHA-256 of it. `applied_by` is None for a file's.
    """

    id: str
    tenant_id: str
    number: int
    source: PolicySource
    text: str
    hash: str
    applied_at: datetime
    applied_by: str | None = None
