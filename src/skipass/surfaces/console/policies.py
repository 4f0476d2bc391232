"""The policy: the one in force, a draft that is checked and compared before it is applied, and the earlier versions.

What is typed is kept whatever happens. Only what was shown as a difference is applied, on top of the version that it
was compared with; anything else is shown again first.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from skipass.errors import SkipassError
from skipass.gateway.people import require
from skipass.gateway.policies import Applied
from skipass.ids import digest
from skipass.nouns.principal import Role
from skipass.surfaces.console.frame import Frame, last_step
from skipass.surfaces.console.policy_views import difference, found_values, version_values
from skipass.surfaces.edge.answers import STATUS
from skipass.surfaces.edge.cookies import form_token
from skipass.surfaces.edge.pages import Reply, moved
from skipass.surfaces.edge.requests import Asked, SignedIn
from skipass.surfaces.edge.visible import visible

PURPOSE = "policy"
FIELDS = (
    *("text", "based_on", "seen", "word", "connection", "agent", "user", "statement"),
    *("schemas", "access", "role", "minutes", "break_glass"),
)
MOST_BYTES = 1_048_576
_HERE = "/console/policy"
_PAGE = 20
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A text being worked on, the number of the version it is held against, and whether it was looked at so."""

    text: str
    based_on: int
    looked_at: bool = False


class PolicyPages:
    """`/console/policy` and `/console/policy/versions…`."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._gateway = frame, frame.gateway

    async def show(self, asked: Asked) -> Reply:
        """Show the policy in force, to admins in an editor; `from` puts an earlier version's text there."""
        by, start = await self._frame.caller(asked), asked.named().get("from")
        current = await self._current(by)
        text = (await self._gateway.policies.get(by.principal, start)).version.text if start else _text(current)
        return await self._page(by, current, _Draft(text, _number(current)))

    async def change(self, asked: Asked) -> Reply:
        """Check a draft and show what it changes, or apply one that was shown."""
        by, form = await self._frame.posted(asked, PURPOSE, *FIELDS, most_bytes=MOST_BYTES)
        require(by.principal, Role.ADMIN)
        if form["word"] not in ("check", "apply") or not _NUMBER.fullmatch(form["based_on"] or "0"):
            raise SkipassError("invalid_request", "The form does not say what to do.")
        text, based_on, current = typed(form["text"]), form["based_on"], await self._current(by)
        if form["word"] == "check" or form["seen"] != _mark(text, based_on):
            return await self._page(by, current, _Draft(text, _number(current), looked_at=True))
        try:
            await self._gateway.policies.apply(by.principal, text, int(based_on))
        except SkipassError as problem:
            current = await self._current(by)
            return await self._page(by, current, _Draft(text, _number(current), looked_at=True), problem)
        return moved(_HERE)

    async def versions(self, asked: Asked) -> Reply:
        """Show what was applied, newest first, and by whom."""
        by, given = await self._frame.caller(asked), asked.named().get("after", "")
        after = int(given) if _NUMBER.fullmatch(given) else None
        found = await self._gateway.policies.told(by.principal, after=after, limit=_PAGE + 1)
        more = found[_PAGE - 1].version.number if len(found) > _PAGE else None
        rows = [version_values(one) for one in found[:_PAGE]]
        return self._frame.page("policy_versions.html", by, rows=rows, more=more, after=after)

    async def version(self, asked: Asked) -> Reply:
        """Show one version, and how it differs from the one in force."""
        by = await self._frame.caller(asked)
        applied, current = await self._gateway.policies.get(by.principal, last_step(asked)), await self._current(by)
        text = applied.version.text
        return self._frame.page(
            "policy_version.html",
            by,
            version=version_values(applied),
            text=text,
            in_force=_number(current) == applied.version.number,
            difference=await _difference(text, _text(current)),
            edits=self._edits(by),
        )

    async def _current(self, by: SignedIn) -> Applied | None:
        found = await self._gateway.policies.told(by.principal, limit=1)
        return found[0] if found else None

    def _edits(self, by: SignedIn) -> bool:
        return Role.ADMIN in by.principal.roles and not self._gateway.policies.is_a_file

    async def _page(
        self, by: SignedIn, current: Applied | None, draft: _Draft, problem: SkipassError | None = None
    ) -> Reply:
        """Return the page with a draft in it; looked at, it comes with what is wrong with it and what it changes."""
        looked: dict[str, Any] = {"found": None, "difference": None}
        if draft.looked_at:
            found = await self._gateway.policies.check(by.principal, draft.text)
            looked = {"found": found_values(draft.text, found)}
            looked |= {"difference": await _difference(_text(current), draft.text)}
        return self._frame.page(
            "policy.html",
            by,
            status=STATUS[problem.kind] if problem else 200,
            here=_HERE,
            version=version_values(current) if current else None,
            is_a_file=self._gateway.policies.is_a_file,
            edits=self._edits(by),
            text=draft.text,
            hidden=visible(draft.text) != draft.text,
            same=draft.text == _text(current),
            based_on=draft.based_on,
            seen=_mark(draft.text, str(draft.based_on)) if draft.looked_at else "",
            problem=problem,
            form=form_token(by.cookie, PURPOSE),
            **looked,
        )


def typed(text: str) -> str:
    """Return what was typed into a field of several lines, with the line ends that files have.

    Source: HTML, "constructing the entry list": a browser sends a carriage return before each line feed.
    """
    return text.replace("\r\n", "\n")


async def _difference(before: str, after: str) -> list[tuple[str, str]] | None:
    # Elsewhere: texts that are made for it take seconds, and calls of agents are not to wait for them.
    return await asyncio.to_thread(difference, before, after)


def _text(current: Applied | None) -> str:
    return current.version.text if current else ""


def _number(current: Applied | None) -> int:
    return current.version.number if current else 0


def _mark(text: str, based_on: str) -> str:
    """Return what says that this text was shown against this version."""
    return digest(b"policy-draft/1", based_on.encode(), text.encode(errors="replace"))
