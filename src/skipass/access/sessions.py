"""Whether a requested session opens, waits for a person, or is refused. Pure: values in, a value out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from skipass.access.policy import ConnectionPolicy, Finding, Ruling
from skipass.nouns.scope import Access, Metadata, Scope

NOTHING = Finding()


class Answer(StrEnum):
    """What happens to a request."""

    OPEN = "open"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class SessionDecision:
    """The answer, and why it is not simply yes; with `confirm` the user acted for is asked, and nobody else."""

    answer: Answer
    reasons: tuple[str, ...] = ()
    confirm: bool = False


def decide(
    scope: Scope,
    ttl_s: int,
    role: str,
    roles: frozenset[str],
    policy: ConnectionPolicy,
    found: Finding = NOTHING,
    *,
    break_glass: bool = False,
) -> SessionDecision:
    """Return what is to happen to a scope for `ttl_s` seconds under `role`, of which `roles` are allowed.

    With nothing set: one schema, read, its own metadata, fifteen minutes open at once; anything wider asks a person.
    `found` is what the rules say: a deny wins, an approval or a confirm asks, an allow opens what would have asked.
    With `break_glass` a rule must say so, or it is refused: an emergency never waits as an ordinary request.
    """
    longest = min(policy.longest_ttl_s, found.obligations.longest_s or policy.longest_ttl_s)
    refusals = [f"the rule {rule!r} denies it{_because(why)}" for rule, why in found.reasons if _denies(found)]
    if role not in roles:
        refusals.append(f"the connection does not allow the role {role}")
    if ttl_s > longest:
        refusals.append(f"no session lasts longer than {longest} seconds")
    if break_glass and found.ruling is None:
        refusals.append("no rule lets this caller break the glass for this scope and time")
    if refusals:
        return SessionDecision(Answer.DENY, tuple(refusals))
    wider = _wider(scope, ttl_s, policy)
    match found.ruling:
        case Ruling.ALLOW:
            return SessionDecision(Answer.OPEN)
        case Ruling.APPROVAL | Ruling.CONFIRM:
            asks = tuple(f"the rule {rule!r} asks for it{_because(why)}" for rule, why in found.reasons)
            alone = found.ruling is Ruling.CONFIRM and (found.whole or not wider)
            return SessionDecision(Answer.ASK, (*wider, *asks), alone)
        case _:
            return SessionDecision(Answer.ASK if wider else Answer.OPEN, wider)


def _denies(found: Finding) -> bool:
    return found.ruling is Ruling.DENY


def _because(why: str) -> str:
    return f" ({why})" if why else ""


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
