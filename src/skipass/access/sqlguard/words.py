"""What was understood of a statement, in plain words for the person who decides. Reads verdicts; judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from skipass.nouns.verdict import Outcome, StatementKind, Verdict

_MOST_NAMES = 8
# Reasons about the scope of a statement, not about the statement.
_NO_FAULT = frozenset(("out_of_scope", "approval_required"))
_PLACES = {
    "<ACCOUNT>": "the account's own catalogue",
    "<SESSION>": "the state of the login's session",
    "<RESULT>": "the result of another query",
    "<DYNAMIC>": "something the text does not name",
    "@~": "the login's own stage",
}
# What kinds do whose objects say little or nothing about them.
_DOES = {
    StatementKind.ADMIN: "Administers the account",
    StatementKind.SESSION: "Changes the state of the login's session",
    StatementKind.PROCEDURAL: "Runs code; what it touches cannot be known from the text",
}
_VERBS = {
    StatementKind.WRITE: "Changes rows of {}",
    StatementKind.DDL: "Creates, alters, empties or drops {}",
    StatementKind.UNLOAD: "Moves or removes files or rows in {}",
}


def explain(verdict: Verdict) -> str:
    """Return one or two sentences on what a statement does, as far as the guard understood it.

    The first says what it reads and changes, `Reads OPS_DB.OPS.ORDERS; changes nothing.`, the second what it calls or
    what is wrong with it. `changes nothing` is said only of statements that were understood to the end. Characters that
    would not show are written as escapes; of many names the first eight are given. Says nothing about scopes.
    """
    if verdict.kind is StatementKind.MULTI:
        count = verdict.reasons[0].piece if verdict.reasons else f"{len(verdict.parts)} statements"
        return f"Holds {count}; each has to be a call of its own."
    fault = next((visible(r.message) for r in verdict.reasons if r.code not in _NO_FAULT), None)
    if verdict.kind is StatementKind.UNPARSEABLE:
        return f"Not understood. {fault}" if fault else "Not understood."
    sentences = [_does(verdict, harmless=fault is None and not verdict.functions)]
    if verdict.functions:
        sentences.append(f"Calls {_listed(verdict.functions)}, which may do more than this text shows.")
    elif fault and verdict.kind not in _DOES:
        sentences.append(fault)
    return " ".join(sentences)


def _does(verdict: Verdict, *, harmless: bool) -> str:
    if does := _DOES.get(verdict.kind):
        return f"{does}."
    if not verdict.writes:
        return f"Reads {_listed(verdict.reads)}{'; changes nothing' if harmless else ''}."
    loads = verdict.kind is StatementKind.UNLOAD and verdict.outcome is not Outcome.DENY
    verb = "Loads rows into {}" if loads else _VERBS.get(verdict.kind, "Reads, and writes to, {}")
    changes = verb.format(_listed(verdict.writes))
    others = [name for name in verdict.reads if name not in verdict.writes]
    return f"{changes}; reads {_listed(others)}." if others else f"{changes}."


def _listed(names: Sequence[str]) -> str:
    shown = [_PLACES.get(name) or visible(name) for name in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        shown.append(f"{len(names) - _MOST_NAMES} more")
    if not shown:
        return "nothing"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def visible(text: str) -> str:
    """Return the text with every character that would not show, or would turn the others around, as an escape."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)
