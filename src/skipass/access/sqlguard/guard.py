"""The guard: one SQL text and one scope in, one verdict out. Pure: no I/O, no environment, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from skipass.access.sqlguard.classify import Span, read, stages, statements
from skipass.access.sqlguard.findings import Findings, Ref, Role
from skipass.access.sqlguard.judge import judge
from skipass.access.sqlguard.lexer import DEFAULT, Lexed, LexFault, Limits, lex
from skipass.access.sqlguard.names import Place, parse_name
from skipass.access.sqlguard.reader import Source
from skipass.access.sqlguard.rough import rough_reads
from skipass.access.sqlguard.scopes import Area, area_of
from skipass.access.sqlguard.splice import splice
from skipass.nouns.scope import Scope
from skipass.nouns.verdict import Outcome, Reason, StatementKind, Verdict

_MOST_PARTS = 50


@dataclass(frozen=True, slots=True)
class _Case:
    """One text on its way through the guard."""

    sql: str
    lexed: Lexed
    source: Source
    area: Area
    place: Place
    limits: Limits


def check(sql: str, scope: Scope, *, database: str | None, schema: str | None, limits: Limits = DEFAULT) -> Verdict:
    """Return what `sql` is, what it reads and writes, and whether it may run under `scope`; what is unclear is denied.

    `database` and `schema` are the current ones, written as identifiers (`ops_db` is `OPS_DB`). The answer's `text` is
    the original with every name qualified, byte for byte the same elsewhere, and None for a deny. Never raises for any
    text; raises `invalid_scope` for a malformed scope.
    """
    area = area_of(scope)
    place = Place(_current(database), _current(schema))
    try:
        lexed = lex(sql, limits)
    except LexFault as fault:
        reason = Reason(fault.code, fault.piece, fault.message)
        kind, reads = (
            rough_reads(sql, place) if fault.code == "statement_too_large" else (StatementKind.UNPARSEABLE, ())
        )
        return Verdict(Outcome.DENY, kind, reads, reasons=(reason,))
    case = _Case(sql, lexed, Source.of(lexed), area, place, limits)
    spans = statements(case.source)
    if len(spans) > 1:
        return _several(case, spans)
    if not spans:
        return Verdict(
            Outcome.DENY, StatementKind.UNPARSEABLE, reasons=(Reason("unparseable", "", "There is no statement."),)
        )
    return _one(case, spans[0])


def _current(name: str | None) -> str | None:
    parts = parse_name(name) if name else None
    return parts[0] if parts is not None and len(parts) == 1 else None


def _one(case: _Case, span: Span) -> Verdict:
    parts = stages(case.source, span)
    if len(parts) > 1:
        return _chained(case, parts)
    found = read(case.source, span, case.place)
    for doubt in case.lexed.doubts:
        found.refuse(doubt.piece, doubt.message, "unparseable")
    if span.first > 0 or span.end < len(case.lexed.tokens) - 1:
        found.refuse(";", "An empty statement stands beside this one.", "unparseable")
    return _verdict(case, found)


def _verdict(case: _Case, found: Findings) -> Verdict:
    judgement = judge(found, case.area)
    if _unsure_name(judgement.reasons, found):
        found.kind = StatementKind.UNPARSEABLE
        found.refs = [r for r in found.refs if r.name not in found.foreign]
    verdict = Verdict(
        judgement.outcome,
        found.kind,
        _named(found, Role.READ, Role.TARGET, Role.ABOUT),
        _named(found, Role.WRITE),
        judgement.reasons,
        needs=judgement.needs,
        functions=_named(found, Role.CALL),
    )
    if judgement.outcome is Outcome.DENY:
        return verdict
    text = splice(case.sql, case.lexed.tokens, found.inserts, case.limits)
    if text is None:
        reason = Reason("unparseable", "names", "The names in this text cannot be made exact.")
        return replace(verdict, outcome=Outcome.DENY, reasons=(reason,))
    return replace(verdict, text=text)


def _unsure_name(reasons: tuple[Reason, ...], found: Findings) -> bool:
    """Tell whether the only fault is a name whose reading Snowflake does not document."""
    return bool(found.foreign) and all(r.code == "unparseable" and r.piece in found.foreign for r in reasons)


def _named(found: Findings, *roles: Role) -> tuple[str, ...]:
    chosen: list[Ref] = sorted((r for r in found.refs if r.role in roles), key=lambda r: r.position)
    return tuple(dict.fromkeys(r.name for r in chosen))


def _chained(case: _Case, parts: list[Span]) -> Verdict:
    """A `->>` chain is one read when every stage is an allowed read; any other chain is several statements."""
    whole = Findings(case.place, StatementKind.READ)
    allowed = not case.lexed.doubts and parts[0].first == 0 and parts[-1].end >= len(case.lexed.tokens) - 1
    for number, part in enumerate(parts):
        found = read(case.source, part, case.place, number)
        allowed = allowed and found.kind is StatementKind.READ and judge(found, case.area).outcome is Outcome.ALLOW
        whole.absorb(found)
    if allowed:
        return _verdict(case, whole)
    return _several(case, parts)


def _several(case: _Case, spans: list[Span]) -> Verdict:
    """Several statements are refused together; the answer lists them and what they read and write, of the first 50."""
    whole = Findings(case.place)
    for number, span in enumerate(spans[:_MOST_PARTS]):
        found = read(case.source, span, case.place, number)
        whole.absorb(found)
    shown = [s for s in spans if s.end > s.first][:_MOST_PARTS]
    tokens = case.lexed.tokens
    pieces = tuple(case.sql[tokens[s.first].start : tokens[s.end - 1].end] for s in shown)
    reason = Reason("multi_statement", f"{len(spans)} statements", "Send one statement in each call.")
    reads, writes = _named(whole, Role.READ, Role.ABOUT), _named(whole, Role.WRITE)
    return Verdict(Outcome.DENY, StatementKind.MULTI, reads, writes, (reason,), parts=pieces)
