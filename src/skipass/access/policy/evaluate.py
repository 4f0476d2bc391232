"""Asking the rules: every rule that matches is heard, and the order they stand in means nothing.

A deny wins, then the strictest. Restrictions match what a request or statement touches at all; an allow opens only a
session that lies in it as a whole. For statements the guard has spoken before: a rule never lets run what it holds or
refuses, so there an allow says nothing. What a rule obliges to holds wherever the rule touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce

from skipass.access.policy.columns import unreadable
from skipass.access.policy.names import Name, Pattern, named
from skipass.access.policy.rules import (
    LONGEST_BREAK_S,
    STRICTNESS,
    Effect,
    Finding,
    Obligations,
    Policy,
    Rule,
    Ruling,
    Subject,
    Wish,
)
from skipass.access.sqlguard.lexer import LexFault, lex
from skipass.nouns.scope import Access, Metadata, Scope
from skipass.nouns.verdict import StatementKind, Verdict

_LOOKS = frozenset(("SHOW", "DESC", "DESCRIBE"))
_CHANGES = {StatementKind.DDL: Effect.DDL, StatementKind.WRITE: Effect.WRITE, StatementKind.UNLOAD: Effect.WRITE}
Touch = tuple[Effect, Name | None]


def automatic_scope(policy: Policy, subject: Subject) -> Scope | None:
    """Return the scope of automatic sessions that rules name for a caller; None where none does, or two differ."""
    rules = [] if policy.shadow else [rule for rule in policy.rules if not rule.shadow and is_about(rule, subject)]
    named_ = {rule.automatic for rule in rules if rule.automatic is not None}
    return named_.pop() if len(named_) == 1 else None


def judge_session(policy: Policy, subject: Subject, wish: Wish) -> Finding:
    """Return what the rules say of a session request; `whole` tells whether an allow or confirm is about all of it.

    Where the glass is broken only rules for that open or ask, and of all others a deny and the limits hold.
    """
    mine = [rule for rule in policy.rules if _is_about(rule, subject, Effect.SESSION) and _touches(rule, wish)]
    about = [rule for rule in mine if wish.break_glass or not rule.break_glass]

    def says(rule: Rule) -> Ruling | None:
        if wish.break_glass and not rule.break_glass:
            return rule.ruling if rule.ruling is Ruling.DENY else None
        opens = rule.ruling is Ruling.ALLOW or rule.break_glass
        return None if opens and not _opens(rule, wish) else rule.ruling

    def heard(rules: Sequence[Rule]) -> Finding:
        spoken = [_limiting(rule) for rule in rules] if wish.break_glass else rules
        return _finding(spoken, says, lambda rule: _covers(rule, wish))

    return _shadowed(policy, about, heard)


def _limiting(rule: Rule) -> Rule:
    """Return a rule as a broken glass hears it: who decides, and how many, is for the rules about the glass alone."""
    if rule.break_glass:
        return rule
    return replace(rule, obligations=replace(rule.obligations, quorum=None, deciders=None, approval_life_s=None))


def judge_statement(policy: Policy, subject: Subject, verdict: Verdict, text: str) -> Finding:
    """Return what the rules say of a statement that the guard understood; `text` is the one that would run."""
    touched = touches(verdict, text)
    changes = [(effect, name) for effect, name in touched if effect in (Effect.WRITE, Effect.DDL)]
    rules = [rule for rule in policy.rules if not rule.break_glass]
    about = [rule for rule in rules if any(_reaches(rule, subject, *touch) for touch in touched)]

    def whole(rule: Rule) -> bool:
        return all(effect in rule.effects and _holds(rule.objects, name) for effect, name in changes)

    def heard(rules: Sequence[Rule]) -> Finding:
        return _columns(_finding(rules, lambda rule: rule.ruling, whole), verdict, text, touched)

    return _shadowed(policy, about, heard)


def _shadowed(policy: Policy, about: Sequence[Rule], heard: Callable[[Sequence[Rule]], Finding]) -> Finding:
    """Hear the rules that are in force, and beside them what it would be if the shadows were."""
    real = [rule for rule in about if not (policy.shadow or rule.shadow)]
    if len(real) == len(about):
        return heard(real)
    would = heard(about).ruling
    shadows = tuple(sorted(rule.name for rule in about if policy.shadow or rule.shadow))
    return replace(heard(real), shadow=shadows, would=would)


def touches(verdict: Verdict, text: str) -> Sequence[Touch]:
    """Return what a statement does to which name: no parts where that may be anything, None where it names nothing."""
    seen = _seen(text)
    names = [named(name) for name in (*verdict.reads, *verdict.functions)]
    found: list[Touch] = [(effect, name) for name in names for effect in _looked(name, seen)]
    change = _CHANGES.get(verdict.kind)
    found += [(change, named(name)) for name in verdict.writes if change]
    return found or [(change or effect, None) for effect in seen]


def _looked(name: Name, seen: Sequence[Effect]) -> Sequence[Effect]:
    return (Effect.METADATA,) if name[1:2] == ("INFORMATION_SCHEMA",) else seen


def _seen(text: str) -> Sequence[Effect]:
    """Return how a text looks at what it names: the stages of a chain may do either, so they count as both."""
    try:
        tokens = lex(text).tokens
    except LexFault:
        return (Effect.READ, Effect.METADATA)
    if any(token.word == "->>" for token in tokens):
        return (Effect.READ, Effect.METADATA)
    return (Effect.METADATA,) if tokens and tokens[0].word in _LOOKS else (Effect.READ,)


def is_about(rule: Rule, subject: Subject) -> bool:
    """Return whether a rule is about this connection, agent and user."""
    pairs = ((rule.connections, subject.connection), (rule.agents, subject.agent), (rule.users, subject.user))
    return all(not names or own in names for names, own in pairs) and (
        not rule.groups or not subject.groups.isdisjoint(rule.groups)
    )


def _is_about(rule: Rule, subject: Subject, effect: Effect) -> bool:
    return effect in rule.effects and is_about(rule, subject)


def _reaches(rule: Rule, subject: Subject, effect: Effect, name: Name | None) -> bool:
    if not _is_about(rule, subject, effect):
        return False
    return not rule.objects or (name is not None and any(one.touches(name) for one in rule.objects))


def _holds(patterns: tuple[Pattern, ...], name: Name | None) -> bool:
    return not patterns or (name is not None and any(one.covers(name) for one in patterns))


def _area(scope: Scope) -> list[Name]:
    """Return what a scope reaches: its tables where they narrow a schema, else the schema."""
    tables = [named(table) for table in scope.tables]
    narrowed = {table[:2] for table in tables}
    return [*tables, *(schema for name in scope.schemas if (schema := named(name)) not in narrowed)]


def _touches(rule: Rule, wish: Wish) -> bool:
    scope = wish.scope
    if rule.ruling is Ruling.ALLOW or rule.break_glass:
        return _any_object(rule.objects, _area(scope))
    return (
        _any_object(rule.objects, _area(scope))
        and list(Access).index(scope.access) >= list(Access).index(rule.access)
        and list(Metadata).index(scope.metadata) >= list(Metadata).index(rule.metadata)
        and (not rule.functions or _any_object(rule.functions, map(named, scope.functions)))
    )


def _any_object(patterns: tuple[Pattern, ...], names: Iterable[Name]) -> bool:
    return not patterns or any(one.touches(name) for name in names for one in patterns)


def _covers(rule: Rule, wish: Wish) -> bool:
    scope = wish.scope
    called = all(any(one.covers(named(name)) for one in rule.functions) for name in scope.functions)
    return (
        all(_holds(rule.objects, name) for name in _area(scope))
        and called
        and list(Access).index(scope.access) <= list(Access).index(rule.access)
        and list(Metadata).index(scope.metadata) <= list(Metadata).index(rule.metadata)
    )


def _opens(rule: Rule, wish: Wish) -> bool:
    longest_s = rule.opens_for_s or (LONGEST_BREAK_S if rule.break_glass else wish.unattended_s)
    return _covers(rule, wish) and wish.ttl_s <= longest_s


def _finding(rules: Sequence[Rule], says: Callable[[Rule], Ruling | None], whole: Callable[[Rule], bool]) -> Finding:
    said = {rule.name: ruling for rule in rules if (ruling := says(rule))}
    strictest = max(said.values(), key=STRICTNESS.__getitem__, default=None)
    speaking = [rule for rule in rules if strictest is not None and said.get(rule.name) is strictest]
    return Finding(
        ruling=strictest,
        rules=tuple(sorted(rule.name for rule in rules)),
        whole=any(whole(rule) for rule in speaking),
        obligations=reduce(Obligations.and_, (rule.obligations for rule in rules), Obligations()),
        reasons=tuple(sorted((rule.name, rule.why) for rule in speaking if strictest is not Ruling.ALLOW)),
    )


def _columns(found: Finding, verdict: Verdict, text: str, touched: Sequence[Touch]) -> Finding:
    """Deny a statement that reads, or may read, a column of the obligations."""
    read = [name for effect, name in touched if effect is Effect.READ and name is not None]
    mine = [c for c in found.obligations.deny_columns if any(c.table.touches(name) for name in read)]
    why = unreadable(text, verdict.kind, mine) if mine else None
    if why is None:
        return found
    reason = ("deny_columns", f"{why}; denied: {', '.join(map(str, mine))}")
    reasons = (*found.reasons, reason) if found.ruling is Ruling.DENY else (reason,)
    return replace(found, ruling=Ruling.DENY, reasons=reasons)
