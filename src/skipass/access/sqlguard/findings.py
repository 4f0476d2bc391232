"""What reading a statement brought to light, before anybody asks whether it may run. Knows no scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from skipass.access.sqlguard.names import Chain, Insert, Place, missing, render, resolve
from skipass.nouns.verdict import Reason, StatementKind


class Role(StrEnum):
    """What the statement does with a thing it names.

    `target` is the changed object of an UPDATE, DELETE or MERGE, where that is also looked at; `about` looks at a thing
    from outside (SHOW, DESCRIBE).
    """

    READ = "read"
    TARGET = "target"
    WRITE = "write"
    ABOUT = "about"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Ref:
    """One thing a statement names: how it is shown, its resolved parts, its role, and where it stands.

    `parts` is empty for what has no name of its own (`<RESULT>`, a location). `schemas` lists what a catalogue view is
    filtered to.
    """

    name: str
    parts: tuple[str, ...]
    role: Role
    position: int
    schemas: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """A builder: everything found in one statement. `kind` starts as the head of the statement says."""

    place: Place
    kind: StatementKind = StatementKind.UNPARSEABLE
    refs: list[Ref] = field(default_factory=list)
    inserts: list[Insert] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    warehouses: list[str] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    parsed: list[tuple[int, int]] = field(default_factory=list)
    load: bool = False

    def refuse(self, piece: str, message: str, code: str = "not_allowed") -> None:
        """Note a reason for which no scope could allow the statement."""
        reason = Reason(code, piece[:200], message)
        if reason not in self.reasons:
            self.reasons.append(reason)

    def puzzle(self, piece: str, message: str) -> None:
        """Note something that is not understood: the statement is then `unparseable`, whatever its head says."""
        self.refuse(piece, message, "unparseable")
        self.kind = StatementKind.UNPARSEABLE

    def special(self, name: str, role: Role, position: int, message: str) -> None:
        """Note a thing without a name that no scope can hold (`<RESULT>`, `<DYNAMIC>`, a location), and refuse it."""
        self.refs.append(Ref(name, (), role, position))
        self.refuse(name, message)

    def name(
        self,
        parts: Sequence[str | None],
        roles: Sequence[Role],
        position: int,
        *,
        foreign: bool = False,
        prefix: str = "",
        schemas: tuple[str, ...] = (),
    ) -> tuple[str, str, str] | None:
        """Note an object name and return it resolved, or refuse the statement and return None."""
        resolved = resolve(parts, self.place)
        if resolved is None:
            self._unresolved(parts)
            return None
        shown = prefix + render(resolved)
        self.refs.extend(Ref(shown, resolved, role, position, schemas=schemas) for role in roles)
        if foreign:
            self.foreign.add(shown)
            self.refuse(shown, "An unquoted name may hold ASCII letters only; quote it.", "unparseable")
        return resolved

    def chain(self, chain: Chain, *roles: Role, schemas: tuple[str, ...] = ()) -> tuple[str, str, str] | None:
        """Note an object named by a dotted name in the text, and what has to be inserted to qualify it."""
        resolved = self.name(chain.parts, roles, chain.start, foreign=chain.foreign, schemas=schemas)
        if resolved is not None:
            self.qualify(chain)
        return resolved

    def qualify(self, chain: Chain, *, whole: int = 3) -> None:
        """Note the text that makes a name of the text fully qualified."""
        if chain.second_dot is not None:
            self.inserts.append(Insert(chain.second_dot, "PUBLIC"))
        elif prefix := missing(len(chain.parts), self.place, whole=whole):
            self.inserts.append(Insert(chain.start, prefix))

    def container(self, parts: Sequence[str | None], role: Role, position: int) -> tuple[str, ...] | None:
        """Note a schema (`DB.SCHEMA`) or, with one part, a database; None and a refusal when it is not a name."""
        if not parts or any(not p for p in parts) or len(parts) > 2:
            self.puzzle(".".join(p or "" for p in parts), "This is not the name of a schema or database.")
            return None
        resolved = tuple(p for p in parts if p)
        self.refs.append(Ref(render(resolved), resolved, role, position))
        return resolved

    def also_written(self) -> None:
        """Count every object that is read as written too: the statement locks their rows."""
        reads = [r for r in self.refs if r.role is Role.READ]
        self.refs += [replace(r, role=Role.WRITE) for r in reads]

    def only_read(self) -> None:
        """Count every object that would be written as read instead: the statement only looks at them."""
        self.refs = [replace(r, role=Role.READ) if r.role is Role.WRITE else r for r in self.refs]

    def absorb(self, other: Findings) -> None:
        """Take over everything that was found in a part of this statement, except its kind."""
        self.refs += other.refs
        self.inserts += other.inserts
        self.reasons += [r for r in other.reasons if r not in self.reasons]
        self.warehouses += other.warehouses
        self.parsed += other.parsed

    def _unresolved(self, parts: Sequence[str | None]) -> None:
        shown = ".".join(p or "" for p in parts) or "name"
        if 0 < len(parts) < 3 and all(parts):
            self.refuse(shown, "There is no current database or schema; name it in full.", "unparseable")
        else:
            self.puzzle(shown, "This is not an object name.")
