"""Whether a requested session opens, waits for a person, or is refused. Pure: values in, a value out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skipass.access.policy import ConnectionPolicy
from skipass.nouns.scope import Access, Metadata, Scope


class Answer(StrEnum):
    """What happens to a request."""

    OPEN = "open"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class SessionDecision:
    """The answer, and why it is not simply yes."""

    answer: Answer
    reasons: tuple[str, ...] = ()


def decide(scope: Scope, ttl_s: int, role: str, roles: frozenset[str], policy: ConnectionPolicy) -> SessionDecision:
    """Return what the policy says of a scope for `ttl_s` seconds under `role`, of which `roles` are allowed.

    With nothing set: one schema, read, its own metadata, fifteen minutes open at once; anything wider asks a person.
    """
    refusals = []
    if role not in roles:
        refusals.append(f"the connection does not allow the role {role}")
    if ttl_s > policy.longest_ttl_s:
        refusals.append(f"no session lasts longer than {policy.longest_ttl_s} seconds")
    if refusals:
        return SessionDecision(Answer.DENY, tuple(refusals))
    wider = _wider(scope, ttl_s, policy)
    return SessionDecision(Answer.ASK if wider else Answer.OPEN, wider)


def _wider(scope: Scope, ttl_s: int, policy: ConnectionPolicy) -> tuple[str, ...]:
    automatic = policy.automatic
    known = set(automatic.schemas) if automatic else set()
    metadata = automatic.metadata if automatic else Metadata.SCHEMA
    levels = list(Metadata)
    checks = {
        "it asks to write": scope.access is Access.WRITE,
        "it names more than one schema": len(scope.schemas) > 1 and not set(scope.schemas) <= known,
        "it looks at metadata beyond its schemas": levels.index(scope.metadata) > levels.index(metadata),
        "it calls the customer's own functions": bool(scope.functions),
        f"it lasts longer than {policy.unattended_ttl_s} seconds": ttl_s > policy.unattended_ttl_s,
    }
    return tuple(reason for reason, holds in checks.items() if holds)


def covers(wide: Scope, narrow: Scope) -> bool:
    """Return whether everything inside `narrow` is inside `wide`."""
    levels, kinds = list(Metadata), list(Access)
    tables = not wide.tables or (bool(narrow.tables) and set(narrow.tables) <= set(wide.tables))
    return (
        set(narrow.schemas) <= set(wide.schemas)
        and tables
        and set(narrow.functions) <= set(wide.functions)
        and levels.index(narrow.metadata) <= levels.index(wide.metadata)
        and kinds.index(narrow.access) <= kinds.index(wide.access)
    )
