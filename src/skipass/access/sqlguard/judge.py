"""The rules: what was found in a statement, held against an area, becomes an outcome with reasons. Knows no text."""

from __future__ import annotations

from dataclasses import dataclass

from skipass.access.sqlguard.catalog import VIEWS
from skipass.access.sqlguard.findings import Findings, Ref, Role
from skipass.access.sqlguard.names import render
from skipass.access.sqlguard.scopes import Area, Wish
from skipass.nouns.scope import Access, Metadata
from skipass.nouns.verdict import Outcome, Reason, StatementKind


@dataclass(frozen=True, slots=True)
class Judgement:
    """An outcome, its reasons, and the smallest scope that would change a refusal, where one exists."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    needs: dict[str, object] | None


_HELD = (StatementKind.WRITE, StatementKind.DDL)


def judge(found: Findings, area: Area) -> Judgement:
    """Return the judgement of one statement: everything understood, everything in scope, and of a kind that may run."""
    wish = Wish.start(area)
    outside = [r for ref in found.refs if (r := _outside(ref, area, wish))]
    hopeless = [*found.reasons, *_warehouses(found, area), *_kind(found)]
    if outside or hopeless:
        hopeless += [r for r in outside if r.code != "out_of_scope"]
        reasons = dict.fromkeys([*found.reasons, *_warehouses(found, area), *_kind(found), *outside])
        return Judgement(Outcome.DENY, tuple(reasons), None if hopeless else wish.as_dict())
    if found.kind is StatementKind.READ:
        return Judgement(Outcome.ALLOW, (), None)
    if found.kind is StatementKind.WRITE and area.scope.access is Access.WRITE:
        return Judgement(Outcome.ALLOW, (), None)
    piece = next((r.name for r in found.refs if r.role is Role.WRITE), found.kind.value)
    return Judgement(Outcome.REVIEW, (Reason("approval_required", piece, "A person decides before this runs."),), None)


def _kind(found: Findings) -> list[Reason]:
    if found.kind is StatementKind.READ or found.kind in _HELD or (found.kind is StatementKind.UNLOAD and found.load):
        return []
    code = "unparseable" if found.kind is StatementKind.UNPARSEABLE else "not_allowed"
    return (
        [] if found.reasons else [Reason(code, found.kind.value, "This kind of statement is refused in every session.")]
    )


def _warehouses(found: Findings, area: Area) -> list[Reason]:
    names = [w for w in found.warehouses if w != area.scope.warehouse]
    return [Reason("out_of_scope", w, "This is not the session's warehouse.") for w in names]


def _outside(ref: Ref, area: Area, wish: Wish) -> Reason | None:
    """Return why a thing is out of scope, after noting in `wish` what would bring it in."""
    if ref.role is Role.ABOUT:
        return _about(ref, area, wish)
    if not ref.parts:
        return None
    if ref.role is Role.CALL:
        return _called(ref, area, wish)
    if ref.parts[1:2] == ("INFORMATION_SCHEMA",):
        return _catalogue(ref, area, wish)
    if len(ref.parts) == 3 and area.holds(ref.parts):
        return None
    wish.want_object(ref.parts)
    return Reason("out_of_scope", ref.name, f"{ref.name} lies outside the session's scope.")


def _called(ref: Ref, area: Area, wish: Wish) -> Reason | None:
    if ref.parts in area.functions:
        return None
    wish.functions.append(render(ref.parts))
    return Reason("out_of_scope", ref.name, f"{ref.name} is neither built in nor an approved function.")


def _about(ref: Ref, area: Area, wish: Wish) -> Reason | None:
    """SHOW and DESCRIBE: inside the granted schemas always, further only as `metadata` says."""
    if not ref.parts:
        level = Metadata.ACCOUNT
    elif len(ref.parts) == 1:
        level = Metadata.DATABASE if ref.parts[0] in area.databases else Metadata.ACCOUNT
    elif ref.parts[:2] in area.schemas:
        return None
    else:
        level = Metadata.DATABASE if ref.parts[0] in area.databases else Metadata.ACCOUNT
    return _look(ref, level, area, wish)


def _look(ref: Ref, level: Metadata, area: Area, wish: Wish) -> Reason | None:
    if area.looks(level):
        return None
    if len(ref.parts) >= 2 and ref.parts[1] != "INFORMATION_SCHEMA":
        wish.schemas.append(render(ref.parts[:2]))
    else:
        wish.want_metadata(level)
    return Reason("out_of_scope", ref.name, f"Metadata of {ref.name} lies outside the session's scope.")


def _catalogue(ref: Ref, area: Area, wish: Wish) -> Reason | None:
    database, view = ref.parts[0], ref.parts[2]
    if ref.role is Role.WRITE:
        return Reason("not_allowed", ref.name, "The catalogue is not written to.")
    inside = database in area.databases and view in VIEWS
    if inside and ref.schemas and all((database, s) in area.schemas for s in ref.schemas):
        return None
    return _look(ref, Metadata.DATABASE if inside else Metadata.ACCOUNT, area, wish)
