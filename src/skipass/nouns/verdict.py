"""What the statement guard says of one text: its kind, what it reads and writes, and whether it may run."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class StatementKind(StrEnum):
    """The class of a statement, as Snowflake's documentation divides them."""

    READ = "read"
    WRITE = "write"
    DDL = "ddl"
    ADMIN = "admin"
    SESSION = "session"
    UNLOAD = "unload"
    PROCEDURAL = "procedural"
    MULTI = "multi"
    UNPARSEABLE = "unparseable"


class Outcome(StrEnum):
    """`allow` runs, `review` waits for a person, `deny` is refused."""

    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code of `skipass.errors`, the piece it is about, and a sentence."""

    code: str
    piece: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The guard's answer for one statement and one scope.

    `reads` and `writes` are fully qualified names. `text` is what is to be sent: the original with every unqualified
    name spliced to the name it was resolved to; None when the outcome is deny. `needs` is the smallest scope (JSON
    shape) that would change a deny into something else, where one exists. `parts` lists the statements of a multi.
    """

    outcome: Outcome
    kind: StatementKind
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    text: str | None = None
    needs: dict[str, object] | None = None
    parts: tuple[str, ...] = ()
    functions: tuple[str, ...] = field(default=())
