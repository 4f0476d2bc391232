"""What is wrong with rules taken together, and what an admin should look at twice. Pure; changes nothing.

A fault keeps a policy from being applied, a warning does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from skipass.access.policy.names import Pattern
from skipass.access.policy.rules import LONGEST_BREAK_S, Effect, Obligations, Policy, Rule, Ruling
from skipass.nouns.groups import GROUP
from skipass.nouns.scope import Access

_HOUR_S = 3600
_MANY = ("role:", GROUP)
_STATEMENTS = frozenset(Effect) - {Effect.SESSION}
Known = Mapping[str, Iterable[str]]


def check(policy: Policy, known: Known | None = None) -> tuple[list[str], list[str]]:
    """Return faults and warnings as sentences, all at once.

    `known` maps `connections`, `agents` and `users` to the names that exist; a rule that names another is a fault. Of
    `groups` it is a warning, since a sign-in may bring one later.
    """
    faults = [f"rule {rule.name!r}: {said}" for rule in policy.rules for said in (*_alone(rule), *_glass(rule))]
    faults += [f"rule {rule.name!r}: {said}" for rule in policy.rules for said in _unknown(rule, known or {})]
    faults += [said for one, two in combinations(policy.rules, 2) for said in _together(one, two)]
    warnings = [f"rule {rule.name!r}: {said}" for rule in policy.rules for said in _doubtful(rule)]
    warnings += [f"rule {rule.name!r}: {said}" for rule in policy.rules for said in _empty(rule, known or {})]
    warnings += [said for one in policy.rules for two in policy.rules if one is not two for said in _idle(one, two)]
    return faults, warnings


def _alone(rule: Rule) -> Iterator[str]:
    """What contradicts itself, or says something about what the rule is not about."""
    duties = rule.obligations
    session, allows = Effect.SESSION in rule.effects, rule.ruling is Ruling.ALLOW
    asking = duties.quorum or duties.deciders or duties.approval_life_s
    checks = {
        "it says nothing: give it an outcome or an obligation": rule.ruling is None and not _says(rule),
        "a deny has no obligations": rule.ruling is Ruling.DENY and _says(rule),
        "an allow of sessions names its objects; * is everything": allows and session and not rule.objects,
        "opens_for is for an allow of sessions": rule.opens_for_s is not None and not (allows and session),
        "opens_for is longer than longest": (rule.opens_for_s or 0) > (duties.longest_s or 1 << 53),
        "automatic is for an allow of sessions": rule.automatic is not None and not (allows and session),
        "automatic never writes": rule.automatic is not None and rule.automatic.access is Access.WRITE,
        "longest and budgets are for sessions": bool(duties.longest_s or duties.budgets) and not session,
        "statement_timeout, result_rows and deny_columns are for statements": not rule.effects & _STATEMENTS
        and bool(duties.statement_timeout_s or duties.result_rows or duties.deny_columns),
        "deny_columns is for the effect read": bool(duties.deny_columns) and Effect.READ not in rule.effects,
        "a confirm is the word of one person: quorum, deciders and approval_life are not for it": bool(asking)
        and rule.ruling is Ruling.CONFIRM,
        "more people must agree than it names": _too_few(duties),
    }
    return (said for said, wrong in checks.items() if wrong)


def _glass(rule: Rule) -> Iterator[str]:
    """What a rule that breaks the glass must be: for a named group and named objects, short, and one person's word."""
    if not rule.break_glass:
        return
    checks = {
        "to break the glass is an allow or an approval of sessions, and of nothing else": rule.effects
        != {Effect.SESSION}
        or rule.ruling not in (Ruling.ALLOW, Ruling.APPROVAL),
        "who may break the glass is a group: groups = ['group:NAME']": not any(_is_group(one) for one in rule.groups),
        "what the glass is broken for is named in objects": not rule.objects,
        "a broken glass lasts 15 minutes at most": (rule.opens_for_s or 0) > LONGEST_BREAK_S,
        "a broken glass takes one person at most; quorum is not for it": (rule.obligations.quorum or 1) > 1,
        "automatic sessions break no glass": rule.automatic is not None,
    }
    yield from (said for said, wrong in checks.items() if wrong)


def _says(rule: Rule) -> bool:
    return rule.obligations != Obligations() or rule.automatic is not None or rule.opens_for_s is not None


def _too_few(duties: Obligations) -> bool:
    named = duties.deciders or frozenset()
    people = len(named) if named and not any(one.startswith(_MANY) for one in named) else 1 << 53
    return (duties.quorum or 1) > people


def _unknown(rule: Rule, known: Known) -> Iterator[str]:
    people = {name for name in rule.obligations.deciders or () if not name.startswith(_MANY)}
    lists = {"connections": rule.connections, "agents": rule.agents, "users": (*rule.users, *people)}
    for noun, names in lists.items():
        if noun in known:
            for name in sorted(set(names) - set(known[noun])):
                yield f"there is no {noun.removesuffix('s')} {name!r}"


def _empty(rule: Rule, known: Known) -> Iterator[str]:
    """Groups that nobody is in."""
    named = {name.removeprefix(GROUP) for name in (*rule.groups, *(rule.obligations.deciders or ())) if _is_group(name)}
    if "groups" in known:
        yield from (f"nobody is in the group {name!r}" for name in sorted(named - set(known["groups"])))


def _is_group(name: str) -> bool:
    return name.startswith(GROUP)


def _matched(rule: Rule) -> tuple[object, ...]:
    lists = (rule.connections, rule.agents, rule.users, rule.groups, tuple(map(str, rule.objects)))
    asked = (rule.access, rule.metadata, frozenset(map(str, rule.functions)))
    return (*map(frozenset, lists), rule.effects, *asked, rule.break_glass)


def _together(one: Rule, two: Rule) -> Iterator[str]:
    """What two rules cannot both mean."""
    if one.shadow or two.shadow:
        return
    pair = f"rules {one.name!r} and {two.name!r}"
    if one.ruling and two.ruling and one.ruling is not two.ruling and _matched(one) == _matched(two):
        yield f"{pair} match the same and say {one.ruling} and {two.ruling}"
    if one.automatic and two.automatic and one.automatic != two.automatic and _meet(one, two):
        yield f"{pair} open different automatic sessions for the same callers"
    mine, other = one.obligations.deciders, two.obligations.deciders
    if mine and other and not mine & other and _matched(one) == _matched(two):
        yield f"{pair} match the same and name different deciders"


def _meet(one: Rule, two: Rule) -> bool:
    """Return whether some caller could be one of both."""
    pairs = ((one.connections, two.connections), (one.agents, two.agents), (one.users, two.users))
    return all(not mine or not other or set(mine) & set(other) for mine, other in pairs)


def _doubtful(rule: Rule) -> Iterator[str]:
    times = {
        "opens_for": rule.opens_for_s,
        "longest": rule.obligations.longest_s,
        "approval_life": rule.obligations.approval_life_s,
    }
    for name, seconds in times.items():
        if seconds and seconds > _HOUR_S:
            yield f"{name} is a window of over an hour"
    if rule.ruling is Ruling.ALLOW and Effect.SESSION not in rule.effects:
        yield "an allow lets no statement run that the session does not; it says nothing here"
    if rule.ruling is Ruling.ALLOW and any(part is None for one in rule.objects for part in one.parts[:1]):
        yield "it opens sessions on every database without a person"
    if rule.ruling is Ruling.ALLOW and Effect.SESSION in rule.effects and rule.access is Access.WRITE:
        yield "it opens sessions that write without a person"


def _idle(mild: Rule, strict: Rule) -> Iterator[str]:
    """An allow that a stricter rule always overrules."""
    if mild.shadow or strict.shadow or mild.ruling is not Ruling.ALLOW or strict.ruling in (None, Ruling.ALLOW):
        return
    if strict.break_glass or (mild.break_glass and strict.ruling is not Ruling.DENY):
        return
    wider = all(
        not theirs or (mine and set(mine) <= set(theirs))
        for mine, theirs in (
            (mild.connections, strict.connections),
            (mild.agents, strict.agents),
            (mild.users, strict.users),
            (mild.groups, strict.groups),
        )
    )
    asks_any = strict.access is Access.READ and not strict.functions
    if wider and asks_any and Effect.SESSION in mild.effects & strict.effects and _inside(mild.objects, strict.objects):
        yield f"rule {mild.name!r} never applies: {strict.name!r} says {strict.ruling} to all of it"


def _inside(mine: tuple[Pattern, ...], theirs: tuple[Pattern, ...]) -> bool:
    return not theirs or (bool(mine) and all(any(_covers(wide, one) for wide in theirs) for one in mine))


def _covers(wide: Pattern, one: Pattern) -> bool:
    padded = (*one.parts, *[None] * (len(wide.parts) - len(one.parts)))
    return all(part is None or part == own for part, own in zip(wide.parts, padded, strict=False))
