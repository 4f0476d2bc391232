"""Asking what the policy would do: with a statement or a session, under the rules in force or under a draft.

Changes nothing, and sends nothing to Snowflake. What is typed stays in the form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skipass.access.policy import Ruling
from skipass.errors import SkipassError
from skipass.gateway.explaining import Explanation, Question, obliged
from skipass.nouns.scope import Access, Scope
from skipass.surfaces.console.frame import Frame
from skipass.surfaces.console.policies import FIELDS, MOST_BYTES, PURPOSE, typed
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply
from skipass.surfaces.edge.requests import Asked, SignedIn

_OFFERED = 200
_MINUTES = re.compile(r"[0-9]{1,5}", re.ASCII)
_SEPARATOR = re.compile(r"[,\s]+")
_STATEMENT = {
    Ruling.ALLOW: "It would run.",
    Ruling.CONFIRM: "It would be held until the user acted for agrees.",
    Ruling.APPROVAL: "It would be held until people decide.",
    Ruling.DENY: "It would be refused.",
}
_SESSION = {
    Ruling.ALLOW: "It would open at once.",
    Ruling.CONFIRM: "It would wait for the user acted for.",
    Ruling.APPROVAL: "It would wait for people to decide.",
    Ruling.DENY: "It would be refused.",
}
_DUTIES = {
    "longest_s": "Longest session, in seconds",
    "statement_timeout_s": "A statement ends after, in seconds",
    "result_rows": "Rows of a result at most",
    "deny_columns": "Columns that may not be read",
    "quorum": "People who must agree",
    "deciders": "Who decides",
    "approval_life_s": "A question lasts, in seconds",
    "budgets": "Budgets of a session",
}


class ExplainPage:
    """`/console/policy/explain`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show the form; what the address names is filled in."""
        by, given = await self._frame.caller(asked), asked.named()
        return await self._page(by, {name: given.get(name, "") for name in FIELDS if name != "text"})

    async def ask(self, asked: Asked) -> Reply:
        """Show what would become of it, and why; from the editor only its text is taken over."""
        by, form = await self._frame.posted(asked, PURPOSE, *FIELDS, most_bytes=MOST_BYTES)
        if form["word"] == "draft":
            return await self._page(by, form)
        try:
            found = await self._gateway.explaining.explain(by.principal, _question(form))
        except SkipassError as problem:
            return await self._page(by, form, problem=problem)
        return await self._page(by, form, told=_told(form, found))

    async def _page(
        self,
        by: SignedIn,
        form: Mapping[str, str],
        *,
        told: Mapping[str, Any] | None = None,
        problem: SkipassError | None = None,
    ) -> Reply:
        gateway, who = self._gateway, by.principal
        names = {
            "connection": [one.name for one in await gateway.connections.list(who, limit=_OFFERED)],
            "agent": [one.name for one in await gateway.agents.list(who, limit=_OFFERED)],
            "user": [one.name for one in await gateway.people.list(who, limit=_OFFERED)],
        }
        return self._frame.page(
            "explain.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            given={name: typed(form.get(name, "")) for name in FIELDS},
            names=names,
            told=told,
            problem=problem,
            form=form_token(by.cookie, PURPOSE),
        )


def _question(form: Mapping[str, str]) -> Question:
    """Return what the form asks; raises `invalid_request` for a number that is none."""
    given = {name: typed(text).strip() for name, text in form.items()}
    if given["minutes"] and not _MINUTES.fullmatch(given["minutes"]):
        raise SkipassError("invalid_request", "How long is a number of minutes.")
    return Question(
        connection=given["connection"],
        agent=given["agent"],
        user=given["user"] or None,
        statement=given["statement"] or None,
        scope=_scope(given),
        ttl_s=int(given["minutes"]) * 60 if given["minutes"] else None,
        policy=typed(form["text"]) if given["text"] else None,
        break_glass=given["break_glass"] == "yes",
    )


def _scope(given: Mapping[str, str]) -> Scope | None:
    """Return the scope that the form names, None where it names no area."""
    schemas = tuple(dict.fromkeys(filter(None, _SEPARATOR.split(given["schemas"]))))
    if not schemas:
        return None
    access = Access.WRITE if given["access"] == Access.WRITE else Access.READ
    return Scope(schemas=schemas, access=access, role=given["role"] or None)


def _told(form: Mapping[str, str], found: Explanation) -> dict[str, Any]:
    words, verdict = _STATEMENT if form["statement"].strip() else _SESSION, found.verdict
    return {
        "outcome": words[found.outcome],
        "denied": found.outcome is Ruling.DENY,
        "because": found.because,
        "understood": found.understood,
        "rules": found.found.rules,
        "shadow": found.found.shadow,
        "would": words[found.found.would] if found.found.would else None,
        "duties": [(_DUTIES[name], _value(value)) for name, value in obliged(found.found.obligations).items()],
        "kind": verdict.kind.value if verdict else None,
        "reads": ", ".join(verdict.reads) if verdict else "",
        "writes": ", ".join(verdict.writes) if verdict else "",
        "needs": [(name, _value(value)) for name, value in (verdict.needs or {}).items()] if verdict else [],
        "draft": bool(form["text"].strip()),
    }


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
